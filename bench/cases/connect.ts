import { clientsOf, eachRow, opening, type Case } from "./case.ts";

/** Upgrade, one frame in, one frame out; Ringcast's connect also verifies a token and joins the broadcast channel. */
export const connect: Case = {
  about: "connections a second, 64 under way at once",
  rounds: 5,
  round: (options, turn) =>
    eachRow(["bare", "PartyServer", "Socket.IO", "ws", "Ringcast"], turn, async (bench) => {
      // The first 200 connects compile the code, and are not measured.
      await bench.load.do("open", opening(bench, "publishers", { count: 200 }));
      const wants = { count: clientsOf(options, 2_000) };
      const { perSecond, p50, p99 } = await bench.load.do("open", opening(bench, "listeners", wants));
      return { "connects/s": perSecond, "p50 ms": p50, "p99 ms": p99 };
    }),
};
