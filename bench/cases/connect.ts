import { clientsOf, eachRow, opening, PEERS, SOCKETIO_PEERS, type Case } from "./case.ts";
import type { RowName } from "../lib/rows.ts";

/** Upgrade, one frame in, one frame out; Ringcast's connect also verifies a token and joins the broadcast channel. */
export const connect = caseOf("connections a second, 64 under way at once", PEERS);

/** The same with Socket.IO: two frames come back. Ringcast takes an anonymous client, and runs the middlewares. */
export const socketioConnect = caseOf(
  "Socket.IO connections a second, 64 under way at once, WebSocket only",
  SOCKETIO_PEERS,
);

function caseOf(about: string, peers: readonly RowName[]): Case {
  return {
    about,
    rounds: 5,
    round: (options, turn) =>
      eachRow(peers, turn, async (bench) => {
        // The first 200 connects compile the code, and are not measured.
        await bench.load.do("open", opening(bench, "publishers", { count: 200 }));
        const wants = { count: clientsOf(options, 2_000) };
        const { perSecond, p50, p99 } = await bench.load.do("open", opening(bench, "listeners", wants));
        return { "connects/s": perSecond, "p50 ms": p50, "p99 ms": p99 };
      }),
  };
}
