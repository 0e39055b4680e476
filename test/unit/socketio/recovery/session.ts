import { newSession } from "../../../../src/shard/connections/sessions.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";

export const ID = "auto.s1~aaaaaaaaaaaaaaaaaaaa";
export const SECRET = "bbbbbbbbbbbbbbbbbbbb";

/** A session with one socket, of the id `ID`, in the main namespace. */
export function sessionWithSocket(subscriptions = new Map<string, { readonly since: number }>()) {
  const state = { sid: "", handshake: {}, members: new Map([["/", { id: ID, auth: {}, data: {} }]]) };
  const session: Session = newSession(
    {} as WebSocket,
    {
      state: "open",
      id: "s",
      openedAt: 0,
      key: "ann",
      clientRegion: "auto",
      rank: 0,
      user: "",
      subscriptions,
      ofFront: state,
    },
    { commandBurst: 1, commandsPerSecond: 1 },
  );
  return { session, state };
}
