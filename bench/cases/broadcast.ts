import { mean, median } from "../lib/stats.ts";
import { clientsOf, eachRow, opening, PAYLOAD_BYTES, settle, type Case } from "./case.ts";

export const broadcast: Case = {
  about: "one publication to 4,000 listeners, published by a client",
  rounds: 5,
  round: (options, turn) =>
    eachRow(["bare", "PartyServer", "Socket.IO", "ws", "Ringcast"], turn, async (bench) => {
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
