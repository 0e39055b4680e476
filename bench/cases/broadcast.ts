import type { RowName } from "../lib/rows.ts";
import { mean, median } from "../lib/stats.ts";
import {
  clientsOf,
  eachRow,
  opening,
  PAYLOAD_BYTES,
  PEERS,
  settle,
  SOCKETIO_PEERS,
  type Case,
} from "./case.ts";

export const broadcast = caseOf("one publication to 4,000 listeners, published by a client", PEERS);

/** Beside the front of Centrifuge clients, which is the one to compare with. */
export const socketioBroadcast = caseOf(
  "one event to a room of 4,000 Socket.IO clients, emitted for a client",
  ["Ringcast", ...SOCKETIO_PEERS],
);

function caseOf(about: string, peers: readonly RowName[]): Case {
  return {
    about,
    rounds: 5,
    round: (options, turn) =>
      eachRow(peers, turn, async (bench) => {
        const { row, load } = bench;
        const count = clientsOf(options, 4_000);
        await load.do("open", opening(bench, "listeners", { count, channels: ["live:room"] }));
        await load.do("open", opening(bench, "publishers", { count: 1 }));
        await settle();
        const traffic = { dialect: row.dialect, channel: "live:room", payloadBytes: PAYLOAD_BYTES };
        await load.do("once", { ...traffic, times: 10 });
        await row.spans();
        const published = await load.do("once", { ...traffic, times: options.quick ? 10 : 40 });
        const spans = await row.spans();
        return {
          // The clock of workerd has whole milliseconds, so a mean tells more than a median.
          "in the object ms": mean(spans),
          "p50 ms": median(published.map(({ p50 }) => p50)),
          "p99 ms": median(published.map(({ p99 }) => p99)),
          "last ms": median(published.map(({ last }) => last)),
        };
      }),
  };
}
