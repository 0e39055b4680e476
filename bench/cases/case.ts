import { setTimeout as sleep } from "node:timers/promises";
import { Load } from "../load/load.ts";
import type { Since } from "../load/dialects.ts";
import { SECRET, withRow, type Row, type RowName } from "../lib/rows.ts";

/** The rows of a case for several protocols, and of the same case for Socket.IO: the first is the one to compare with. */
export const PEERS: readonly RowName[] = ["bare", "PartyServer", "Socket.IO", "ws", "Ringcast"];
export const SOCKETIO_PEERS: readonly RowName[] = [
  "bare, Socket.IO",
  "Socket.IO, rooms",
  "Ringcast, Socket.IO",
];

export type Metrics = Readonly<Record<string, number>>;
/** The results of one round, by row. The rows of a round run one after the other. */
export type Round = Readonly<Record<string, Metrics>>;

export type Options = {
  readonly quick: boolean;
  /** Replaces the case's own number of clients. */
  readonly clients: number | undefined;
};

export type Case = {
  readonly about: string;
  /** The number of rounds in a run. A quick run has one. */
  readonly rounds: number;
  /** Runs one round. `turn` is its number, so that each row comes first in one round. */
  readonly round: (options: Options, turn: number) => Promise<Round>;
};

export const PAYLOAD_BYTES = 200;
const CONNECTS_AT_ONCE = 64;

export const clientsOf = (options: Options, usual: number): number =>
  options.clients ?? (options.quick ? Math.ceil(usual / 10) : usual);

/** A row's server and its load generator, for one measurement. */
export type Bench = { readonly row: Row; readonly load: Load };

/** Runs `measure` on each row in turn, each with a fresh server and a fresh load generator. */
export async function eachRow(
  names: readonly RowName[],
  turn: number,
  measure: (bench: Bench) => Promise<Metrics>,
  changes: object = {},
): Promise<Round> {
  const shift = turn % names.length;
  const measured: Record<string, Metrics> = {};
  for (const name of [...names.slice(shift), ...names.slice(0, shift)]) {
    measured[name] = await oneRow(name, measure, changes);
  }
  return Object.fromEntries(names.map((name) => [name, measured[name] ?? {}]));
}

export function oneRow<T>(
  name: RowName,
  measure: (bench: Bench) => Promise<T>,
  changes: object = {},
): Promise<T> {
  return withRow(
    name,
    async (row) => {
      const load = new Load();
      try {
        return await measure({ row, load });
      } finally {
        load.stop();
      }
    },
    changes,
  );
}

export function opening(
  { row }: Bench,
  as: "listeners" | "publishers",
  wants: {
    readonly count: number;
    readonly channels?: readonly string[];
    readonly atOnce?: number;
    readonly since?: Since;
  },
) {
  const { count, channels = [], atOnce = CONNECTS_AT_ONCE } = wants;
  const since = wants.since === undefined ? {} : { since: wants.since };
  return {
    as,
    url: row.url,
    dialect: row.dialect,
    count,
    channels,
    atOnce,
    secret: SECRET,
    prefix: as,
    ...since,
  };
}

/** Waits until the server and the generator have finished the work of opening many sockets. */
export const settle = (): Promise<void> => sleep(1_000);
