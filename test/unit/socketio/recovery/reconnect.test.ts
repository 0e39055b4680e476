import { expect, test } from "vitest";
import { parseConfig } from "../../../../src/config/config.ts";
import { shardAddress } from "../../../../src/contracts/address.ts";
import { encodePublication } from "../../../../src/contracts/publication.ts";
import type { Client } from "../../../../src/socketio/client.ts";
import { encodeMessage } from "../../../../src/socketio/message.ts";
import { encodePid } from "../../../../src/socketio/names.ts";
import { Gates } from "../../../../src/socketio/recovery/gates.ts";
import { Reconnect, type ReconnectParts } from "../../../../src/socketio/recovery/reconnect.ts";
import type { Taken } from "../../../../src/socketio/recovery/taken.ts";
import { SocketIndex } from "../../../../src/socketio/socket-index.ts";
import { SocketWire } from "../../../../src/socketio/wire.ts";
import { ID, SECRET, sessionWithSocket } from "./session.ts";

const CHANNEL = "ringcast:io:/,red";

test("[SO42] a client that has received many unions hears one that it has missed once, whichever copy comes first", async () => {
  const { session, state } = sessionWithSocket();
  const wire = new SocketWire();
  const gates = new Gates(1_000_000);
  const sent: unknown[] = [];
  const message = encodeMessage("/", ["said", "both"], { stamp: 1, union: "missed" });
  const taken: Taken = {
    kind: "taken",
    data: {},
    positions: [[CHANNEL, "e", 0]],
    unions: Array.from({ length: 500 }, (_, n) => `received-${n}`),
    direct: [],
  };
  const parts = {
    core: {
      shard: shardAddress("socketio", { region: "auto", id: "s1" }),
      config: parseConfig({}),
      connections: { send: (_: unknown, frames: readonly unknown[]) => sent.push(...frames) },
      subscriptions: {
        join: async (_: unknown, __: unknown, tell: (start: unknown) => void) => {
          const body = encodePublication({ json: JSON.stringify(message) });
          const publications = [{ kind: "pub", offset: 1, body }];
          tell({ position: { logEpoch: "e", offset: 1 }, recovery: { kind: "resume", publications } });
          // The copy of another room comes by itself, before all rooms are joined.
          if (wire.isFor(session, "/", message)) gates.pass(session, "/", [message.text]);
        },
      },
    },
    recovery: {
      ask: async (_: unknown, __: unknown, use: (answer: Taken) => unknown) => use(taken),
      gates,
      journal: { top: 0, offsetAt: () => ({ journalEpoch: "journal1", sequence: 1 }), appendDirect: () => 1 },
      saved: { save: () => undefined, find: () => undefined },
      keeper: { forget: () => undefined },
      windowMs: 120_000,
    },
    wire,
    index: new SocketIndex(new Set()),
  } as unknown as ReconnectParts;
  const client = {
    session,
    state,
    remember: () => true,
    forget: () => undefined,
  } as unknown as Client;
  const auth = { pid: encodePid({ id: ID, secret: SECRET }), offset: "journal0.1" };
  const back = await Reconnect.begin(parts, client, { nsp: "/", auth });
  expect(await back?.enter({}, { join: () => Promise.resolve() })).toBe(true);
  expect(sent.filter((frame) => String(frame).includes("both"))).toHaveLength(1);
});
