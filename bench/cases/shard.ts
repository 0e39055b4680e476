import { setTimeout as sleep } from "node:timers/promises";
import { Inspector } from "../lib/inspector.ts";
import { residentBytes } from "../lib/process-use.ts";
import { API_KEY, QUIET, type RowName } from "../lib/rows.ts";
import type { Since } from "../load/dialects.ts";
import {
  clientsOf,
  eachRow,
  oneRow,
  opening,
  settle,
  type Bench,
  type Case,
  type Metrics,
  type Round,
} from "./case.ts";

const MISSED = 20;

/** 2,000 clients subscribe and leave. The channel gets 20 publications. Then the 2,000 clients resume. */
export const resume: Case = {
  about: "2,000 clients at once: connect and subscribe, and the same with 20 missed publications each",
  rounds: 5,
  round: (options) =>
    oneRow("Ringcast", async (bench) => {
      const { row, load } = bench;
      const wants = { count: clientsOf(options, 2_000), channels: ["kept:room"] };
      await load.do("open", opening(bench, "publishers", { count: 200, channels: ["kept:room"] }));
      await load.do("close", { as: "publishers" });
      const plain = await load.do("open", opening(bench, "listeners", wants));
      const { subscribe } = JSON.parse(plain.welcome) as { subscribe: Since };
      const since = { offset: subscribe.offset, epoch: subscribe.epoch };
      await load.do("close", { as: "listeners" });
      const body = JSON.stringify({ channel: "kept:room", data: "x".repeat(200) });
      const headers = { "x-api-key": API_KEY };
      await load.do("request", { url: `${row.http}/api/publish`, headers, body, count: MISSED, atOnce: 1 });
      const resumed = await load.do("open", opening(bench, "listeners", { ...wants, since }));
      const { subscribe: answer } = JSON.parse(resumed.welcome) as {
        subscribe: { publications?: unknown[] };
      };
      if (answer.publications?.length !== MISSED) throw new Error("a client was not given what it missed");
      return { "plain connect": { "all in ms": plain.ms }, resume: { "all in ms": resumed.ms } };
    }),
};

async function memoryOf(bench: Bench, count: number, channels: readonly string[]): Promise<Metrics> {
  const { row, load } = bench;
  await load.do("open", opening(bench, "publishers", { count: 100, channels }));
  await settle();
  const inspector = await Inspector.open(row.inspectorPort);
  const heapBefore = await inspector.heapBytes();
  const residentBefore = residentBytes(row.pid);
  await load.do("open", opening(bench, "listeners", { count, channels }));
  await settle();
  const heap = (await inspector.heapBytes()) - heapBefore;
  const resident = residentBytes(row.pid) - residentBefore;
  inspector.close();
  return { "heap KB": heap / count / 1_024, "resident KB": resident / count / 1_024 };
}

type MemoryRow = readonly [name: string, row: RowName, channels: readonly string[]];

const ROOMS = Array.from({ length: 20 }, (_, n) => `live:room-${n}`);

export const memory = memoryCase("memory for each session: V8's heap after a collection, and the process", [
  ["bare", "bare", []],
  ["PartyServer", "PartyServer", []],
  ["Ringcast, 1 subscription", "Ringcast", ROOMS.slice(0, 1)],
  ["Ringcast, 20 subscriptions", "Ringcast", ROOMS],
]);

export const socketioMemory = memoryCase(
  "memory for each Socket.IO client: V8's heap after a collection, and the process",
  [
    ["bare, Socket.IO", "bare, Socket.IO", []],
    ["Socket.IO, 1 room", "Socket.IO, rooms", ROOMS.slice(0, 1)],
    ["Socket.IO, 20 rooms", "Socket.IO, rooms", ROOMS],
    ["Ringcast, Socket.IO, 1 room", "Ringcast, Socket.IO", ROOMS.slice(0, 1)],
    ["Ringcast, Socket.IO, 20 rooms", "Ringcast, Socket.IO", ROOMS],
  ],
);

function memoryCase(about: string, rows: readonly MemoryRow[]): Case {
  return {
    about,
    rounds: 3,
    async round(options) {
      const count = clientsOf(options, 2_000);
      const measured: Record<string, Metrics> = {};
      for (const [name, row, channels] of rows)
        measured[name] = await oneRow(row, (bench) => memoryOf(bench, count, channels));
      return measured satisfies Round;
    },
  };
}

/** A shard looks for stale connections 10 s after an upgrade, and sleeps 10 s after its last work. */
const ASLEEP_MS = 28_000;

export const wake: Case = {
  about: "an object with 8,000 sessions is called after a sleep",
  rounds: 3,
  round: (options, turn) =>
    eachRow(
      ["bare", "Ringcast"],
      turn,
      async (bench) => {
        const { row, load } = bench;
        // The bare object knows no channels.
        const channels = row.name === "bare" ? [] : ["live:room"];
        await load.do("open", opening(bench, "listeners", { count: clientsOf(options, 8_000), channels }));
        const call = async () => {
          const startedAt = performance.now();
          const woke = (await (await fetch(`${row.http}/woke`)).json()) as {
            ms: number;
            sessions: number;
            first: boolean;
          };
          return { ...woke, callMs: performance.now() - startedAt };
        };
        await sleep(ASLEEP_MS);
        const slept = await call();
        if (!slept.first) throw new Error("the object did not sleep");
        const awake = await call();
        return {
          sessions: slept.sessions,
          "in the object ms": slept.ms,
          "call ms": slept.callMs,
          "call, awake ms": awake.callMs,
        };
      },
      QUIET,
    ),
};
