import { expect, test } from "vitest";
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
