import { API_KEY } from "../lib/rows.ts";
import { quantile } from "../lib/stats.ts";
import { clientsOf, eachRow, oneRow, opening, PAYLOAD_BYTES, type Case, type Metrics } from "./case.ts";

export const direct: Case = {
  about: "a message from one client to one other, until it is there; one at a time",
  rounds: 5,
  round: (options, turn) =>
    eachRow(["bare", "bare, two hops", "PartyServer", "Socket.IO", "ws", "Ringcast"], turn, async (bench) => {
      const { row, load } = bench;
      await load.do("open", opening(bench, "listeners", { count: 1, channels: ["live:*"] }));
      await load.do("open", opening(bench, "publishers", { count: 1 }));
      const order = { dialect: row.dialect, channel: "", key: "listeners0", payloadBytes: PAYLOAD_BYTES };
      await load.do("direct", { ...order, times: 300 });
      const took = await load.do("direct", { ...order, times: options.quick ? 200 : 1_000 });
      return { "p50 ms": quantile(took, 0.5), "p99 ms": quantile(took, 0.99) };
    }),
};

/** Over HTTP, 16 requests at a time, each a row. `channel alone` is our Channel behind a Worker of a few lines. */
export const publish: Case = {
  about: "publications to a stored channel without listeners",
  rounds: 5,
  async round(options, turn) {
    const body = "x".repeat(PAYLOAD_BYTES);
    const command = JSON.stringify({ channel: "kept:quiet", data: body });
    const requests: Record<string, { path: string; headers: Record<string, string>; body: string }> = {
      bare: { path: "/", headers: {}, body },
      "Ringcast, channel alone": { path: "/channel", headers: {}, body },
      Ringcast: { path: "/api/publish", headers: { "x-api-key": API_KEY }, body: command },
    };
    const names = Object.keys(requests);
    const measured: Record<string, Metrics> = {};
    for (let n = 0; n < names.length; n++) {
      const name = names[(n + turn) % names.length] as string;
      const { path, ...request } = requests[name] as {
        path: string;
        headers: Record<string, string>;
        body: string;
      };
      measured[name] = await oneRow(name === "bare" ? "bare" : "Ringcast", async ({ row, load }) => {
        const order = { ...request, url: `${row.http}${path}`, atOnce: 16 };
        await load.do("request", { ...order, count: 1_000 });
        const done = await load.do("request", { ...order, count: options.quick ? 1_000 : 6_000 });
        return { "publications/s": done.perSecond, "p50 ms": done.p50, "p99 ms": done.p99 };
      });
    }
    return Object.fromEntries(names.map((name) => [name, measured[name] ?? {}]));
  },
};

/** Connects to the same shard through the router and past it, and to the bare object, in turn. */
export const router: Case = {
  about: "connects with the router in front of the shard and without, one at a time",
  rounds: 5,
  round: (options) =>
    oneRow("bare", (bare) =>
      oneRow("Ringcast", async (ringcast) => {
        const took = new Map<string, number[]>();
        const connectOnce = async (name: string, n: number) => {
          const bench = name === "bare" ? bare : ringcast;
          const dialect =
            name === "Ringcast, no router" ? ("ringcast, no router" as const) : bench.row.dialect;
          const order = {
            ...opening(bench, "listeners", { count: 10, atOnce: 1 }),
            dialect,
            prefix: `${n}-`,
          };
          const { p50 } = await bench.load.do("open", order);
          took.set(name, [...(took.get(name) ?? []), p50]);
        };
        const names = ["bare", "Ringcast, no router", "Ringcast"];
        const times = options.quick ? 10 : clientsOf(options, 1_200) / 30;
        for (let n = 0; n < 5; n++) for (const name of names) await connectOnce(name, n);
        took.clear();
        for (let n = 0; n < times; n++) for (const name of names) await connectOnce(name, n + 5);
        return Object.fromEntries(
          names.map((name) => [name, { "connect ms": quantile(took.get(name) ?? [], 0.5) }]),
        );
      }),
    ),
};
