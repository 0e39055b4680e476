/**
 * Takes a CPU profile of workerd during one kind of work, through V8's inspector: `node bench/profile.ts --what
 * connect`. `--out FILE` keeps the profile for a browser's developer tools.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { oneRow, opening, settle, type Bench } from "./cases/case.ts";
import { Inspector } from "./lib/inspector.ts";
import { API_KEY, type RowName } from "./lib/rows.ts";

const { values } = parseArgs({
  options: {
    what: { type: "string", default: "connect" },
    row: { type: "string", default: "Ringcast" },
    clients: { type: "string", default: "2000" },
    top: { type: "string", default: "40" },
    out: { type: "string" },
  },
});
const CLIENTS = Number(values.clients);

type Work = {
  readonly before: (bench: Bench) => Promise<unknown>;
  readonly during: (bench: Bench) => Promise<unknown>;
};

const traffic = ({ row }: Bench, channel: string) => ({ dialect: row.dialect, channel, payloadBytes: 200 });

const room = (channel: string) => async (bench: Bench) => {
  await bench.load.do("open", opening(bench, "listeners", { count: CLIENTS, channels: [channel] }));
  await bench.load.do("open", opening(bench, "publishers", { count: 8 }));
  await settle();
};

const post = ({ row }: Bench, path: string, count: number) => ({
  url: `${row.http}${path}`,
  headers: { "x-api-key": API_KEY },
  body: JSON.stringify({ channel: "kept:quiet", data: "x".repeat(200) }),
  count,
  atOnce: 16,
});

const WORK: Readonly<Record<string, Work>> = {
  connect: {
    before: (bench) => bench.load.do("open", opening(bench, "publishers", { count: 500 })),
    during: (bench) => bench.load.do("open", opening(bench, "listeners", { count: CLIENTS })),
  },
  broadcast: {
    before: room("live:room"),
    during: (bench) => bench.load.do("once", { ...traffic(bench, "live:room"), times: 60 }),
  },
  stream: {
    before: room("live:room"),
    during: (bench) =>
      bench.load.do("stream", { ...traffic(bench, "live:room"), perSecond: 200, seconds: 8 }),
  },
  direct: {
    before: async (bench) => {
      await bench.load.do("open", opening(bench, "listeners", { count: 1, channels: ["live:*"] }));
      await bench.load.do("open", opening(bench, "publishers", { count: 1 }));
      return bench.load.do("direct", { ...traffic(bench, ""), key: "listeners0", times: 500 });
    },
    during: async (bench) => {
      const times = 5_000;
      await bench.load.do("direct", { ...traffic(bench, ""), key: "listeners0", times });
      return `${times} messages`;
    },
  },
  publish: {
    before: (bench) => bench.load.do("request", post(bench, "/api/publish", 1_000)),
    during: (bench) => bench.load.do("request", post(bench, "/api/publish", 6_000)),
  },
  channel: {
    before: (bench) => bench.load.do("request", post(bench, "/channel", 1_000)),
    during: (bench) => bench.load.do("request", post(bench, "/channel", 6_000)),
  },
};

type Frame = { readonly functionName: string; readonly url: string; readonly lineNumber: number };
type Profile = {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: Frame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const work = WORK[values.what];
if (work === undefined) throw new Error(`--what is one of ${Object.keys(WORK).join(", ")}`);
const profile = await oneRow(values.row as RowName, async (bench) => {
  await work.before(bench);
  const inspector = await Inspector.open(bench.row.inspectorPort);
  await inspector.ask("Profiler.enable");
  await inspector.ask("Profiler.setSamplingInterval", { interval: 200 });
  await inspector.ask("Profiler.start");
  console.log(await work.during(bench));
  const { profile: taken } = await inspector.ask<{ profile: Profile }>("Profiler.stop");
  inspector.close();
  return taken;
});
if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(profile));
print(profile);
process.exit(0);

function nameOf({ functionName, lineNumber }: Frame): string {
  return `${functionName || "(anonymous)"}:${lineNumber + 1}`;
}

function print({ nodes, samples, timeDeltas }: Profile): void {
  const own = new Map<number, number>();
  for (const [n, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + (timeDeltas[n] ?? 0) / 1_000);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const totals = new Map<string, { own: number; all: number }>();
  const visit = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id);
    if (node === undefined) return 0;
    const name = nameOf(node.callFrame);
    const within = new Set(above).add(name);
    const mine = own.get(id) ?? 0;
    const all = (node.children ?? []).reduce((sum, child) => sum + visit(child, within), mine);
    const total = totals.get(name) ?? { own: 0, all: 0 };
    totals.set(name, { own: total.own + mine, all: total.all + (above.has(name) ? 0 : all) });
    return all;
  };
  visit(nodes[0]?.id ?? 0, new Set());
  const rows = [...totals].toSorted(([, a], [, b]) => b.own - a.own).slice(0, Number(values.top));
  console.table(
    Object.fromEntries(
      rows.map(([name, { own: mine, all }]) => [
        name,
        { "own ms": Math.round(mine), "with callees ms": Math.round(all) },
      ]),
    ),
  );
}
