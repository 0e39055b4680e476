import { expect, test } from "vitest";
import { parseConfig } from "../../../../src/config/config.ts";
import { Connections, type ConnectionsParts } from "../../../../src/shard/connections/connections.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";
import { Counters } from "../../../../src/shard/records/counters.ts";
import { Emitter } from "../../../../src/shard/subscriptions/emitter.ts";
import type { Wire } from "../../../../src/shard/wire.ts";

test("[SO68] an end that cannot be written down closes its connection, and the others go on hearing", () => {
  const { cluster } = parseConfig({});
  const closed: string[] = [];
  const sent: string[] = [];
  const connections = new Connections({
    ctx: { getWebSocketAutoResponseTimestamp: () => null },
    cluster,
    wire: { closeFor: () => ({ code: 4_010, reason: "" }), heartbeat: { ping: "2", pong: "3", absorb: "6" } },
    onEnd: () => {
      throw new Error("the storage is full");
    },
  } as unknown as ConnectionsParts);
  const subscriptions = new Map([["room", {}]]);
  const placed = { openedAt: 0, key: "", clientRegion: "auto", rank: 0, user: "", subscriptions };
  const [ann, bob] = ["ann", "bob"].map((id) => {
    const socket = {
      send: (frame: string) => sent.push(`${frame} to ${id}`),
      close: () => closed.push(id),
      serializeAttachment: () => undefined,
    } as unknown as WebSocket;
    return connections.sessions.add(socket, { state: "open", id, ...placed }, cluster.limits);
  }) as [Session, Session];
  const wire = {
    encodeBatch: () => ({
      frameFor: (session: Session) => {
        if (session === ann) throw new Error("the storage is full");
        return "event";
      },
    }),
  } as unknown as Wire;
  const emitter = new Emitter({ connections, wire, counters: new Counters() });
  const events = [{ kind: "pub" as const, offset: 1, body: "{}" }];
  const batch = { channel: "room", events, durable: true, logEpoch: "e", previous: undefined };
  for (let n = 0; n < 2; n++) emitter.emit(batch, new Set([ann, bob]));
  expect(closed).toEqual(["ann"]);
  expect(sent).toEqual(["event to bob", "event to bob"]);
  expect([...connections.sessions]).toEqual([bob]);
});
