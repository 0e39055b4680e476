import { expect, test } from "vitest";
import { encodePublication } from "../../../src/contracts/publication.ts";
import type { Session } from "../../../src/shard/connections/session.ts";
import { SocketWire } from "../../../src/socketio/wire.ts";

/** A session in the main namespace, as far as the wire looks at it. */
const session = (id: string) =>
  ({
    attachment: {
      state: "opening",
      id,
      openedAt: 0,
      key: "",
      clientRegion: "",
      rank: 0,
      ofFront: { members: new Map([["/", { id }]]) },
    },
    unprovenBytes: 0,
  }) as Partial<Session> as Session;

test("[SO11] the unions of other sessions make no session forget its own", () => {
  const wire = new SocketWire();
  const [ann, bob] = [session("ann"), session("bob")];
  const hears = (one: Session, union: string) => wire.isFor(one, "/", { union });
  expect(hears(ann, "of both rooms")).toBe(true);
  // Another shard of this isolate may have very many.
  for (let n = 0; n < 5_000; n++) hears(bob, `union ${n}`);
  expect(hears(ann, "of both rooms")).toBe(false);
  expect(hears(bob, "of both rooms")).toBe(true);
});

test("[SO54] a socket of a shared room gets what was published after its join alone, and passing events always", () => {
  const wire = new SocketWire();
  const body = (text: string) => encodePublication({ json: JSON.stringify({ event: "said", args: [text] }) });
  const frames = wire.encodeBatch({
    channel: "chat:room",
    logEpoch: "epoch",
    durable: true,
    previous: undefined,
    events: [
      { kind: "pub", offset: 5, body: body("five") },
      { kind: "passing", body: body("passing") },
      { kind: "pub", offset: 6, body: body("six") },
    ],
  });
  const heardAfter = (since: number) => frames.frameFor(session("ann"), { byServer: true, since });
  expect(heardAfter(5)).toEqual(['42["said","passing"]', '42["said","six"]']);
  expect(heardAfter(6)).toEqual(['42["said","passing"]']);
  expect(heardAfter(4)).toHaveLength(3);
});
