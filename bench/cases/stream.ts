import { cpuSeconds } from "../lib/process-use.ts";
import type { RowName } from "../lib/rows.ts";
import { median } from "../lib/stats.ts";
import {
  clientsOf,
  eachRow,
  oneRow,
  opening,
  PAYLOAD_BYTES,
  PEERS,
  settle,
  SOCKETIO_PEERS,
  type Bench,
  type Case,
  type Metrics,
  type Options,
  type Round,
} from "./case.ts";

const PUBLISHERS = 8;

async function openRoom(bench: Bench, options: Options, channel: string): Promise<void> {
  const count = clientsOf(options, 2_000);
  await bench.load.do("open", opening(bench, "listeners", { count, channels: [channel] }));
  await bench.load.do("open", opening(bench, "publishers", { count: PUBLISHERS }));
  await settle();
}

async function run(bench: Bench, channel: string, perSecond: number, seconds: number) {
  const { row, load } = bench;
  const traffic = { dialect: row.dialect, channel, payloadBytes: PAYLOAD_BYTES };
  const before = cpuSeconds(row.pid);
  const streamed = await load.do("stream", { ...traffic, perSecond, seconds });
  const cpu = cpuSeconds(row.pid) - before;
  return { ...streamed, cpuPerMillion: (cpu / streamed.deliveries) * 1_000_000 };
}

async function measure(bench: Bench, channel: string, perSecond: number, seconds: number): Promise<Metrics> {
  // The compiler works in the first seconds, which are not measured.
  await run(bench, channel, perSecond, 3);
  const { deliveriesPerSecond, p50, p99, cpuPerMillion } = await run(bench, channel, perSecond, seconds);
  return { "deliveries/s": deliveriesPerSecond, "p50 ms": p50, "p99 ms": p99, "CPU s/M": cpuPerMillion };
}

export const stream = streamTo("200 publications a second to 2,000 listeners", PEERS);

/** The protocol allows one packet in a frame, so no server may put several events together. */
export const socketioStream = streamTo(
  "200 events a second to a room of 2,000 Socket.IO clients",
  SOCKETIO_PEERS,
);

function streamTo(about: string, peers: readonly RowName[]): Case {
  return {
    about,
    rounds: 3,
    round: (options, turn) =>
      eachRow(peers, turn, async (bench) => {
        await openRoom(bench, options, "live:room");
        return measure(bench, "live:room", 200, options.quick ? 3 : 10);
      }),
  };
}

export const lowRate: Case = {
  about: "5 publications a second to 2,000 listeners, each stored before it is sent",
  rounds: 5,
  round: (options, turn) =>
    eachRow(["bare", "Ringcast"], turn, async (bench) => {
      await openRoom(bench, options, "kept:room");
      return measure(bench, "kept:room", 5, options.quick ? 3 : 8);
    }),
};

const STEP = 1.3;
const FIRST_RATE = 20;
const LATE_MS = 1_000;

/** The highest rate that holds. The rate grows in steps of 30 %, and the last good rate must hold for 30 s. */
async function saturate(bench: Bench, options: Options): Promise<number> {
  const holds = async (rate: number, seconds: number) => {
    const { complete, p99 } = await run(bench, "live:room", rate, seconds);
    await settle();
    return complete && p99 < LATE_MS;
  };
  await openRoom(bench, options, "live:room");
  await holds(FIRST_RATE, 3);
  let rate = FIRST_RATE;
  while (await holds(rate * STEP, options.quick ? 3 : 6)) rate *= STEP;
  while (rate > 1 && !(await holds(rate, options.quick ? 3 : 30))) rate /= STEP;
  return rate;
}

export const saturation: Case = {
  about: "the most publications a second to 2,000 listeners that hold for 30 s with p99 under 1 s",
  rounds: 1,
  async round(options) {
    const party = await oneRow("PartyServer", (bench) => saturate(bench, options));
    const ours = await oneRow("Ringcast", (bench) => saturate(bench, options));
    const listeners = clientsOf(options, 2_000);
    const most = { PartyServer: party, Ringcast: ours };
    // The latency at half of PartyServer's rate. The rows take turns, so that both have the same noise.
    const halves: Round[] = [];
    for (let turn = 0; turn < (options.quick ? 1 : 3); turn++) {
      halves.push(
        await eachRow(["PartyServer", "Ringcast"], turn, async (bench) => {
          await openRoom(bench, options, "live:room");
          return measure(bench, "live:room", party / 2, options.quick ? 3 : 10);
        }),
      );
    }
    const atHalf = (name: string, metric: string) =>
      median(halves.map((half) => half[name]?.[metric] ?? NaN));
    return Object.fromEntries(
      Object.entries(most).map(([name, rate]) => [
        name,
        {
          "publications/s": rate,
          "deliveries/s": rate * listeners,
          "at half: p50 ms": atHalf(name, "p50 ms"),
          "at half: p99 ms": atHalf(name, "p99 ms"),
        },
      ]),
    );
  },
};
