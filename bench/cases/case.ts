import { setTimeout as sleep } from "node:timers/promises";
import { Load } from "../load/load.ts";
import type { Since } from "../load/dialects.ts";
import { SECRET, withRow, type Row, type RowName } from "../lib/rows.ts";

export type Metrics = Readonly<Record<string, number>>;
/** What one round has shown of each row; rows of one round ran one after the other. */
export type Round = Readonly<Record<string, Metrics>>;

export type Options = {
  readonly quick: boolean;
  /** In place of the number of clients that a case has by itself. */
  readonly clients: number | undefined;
};

export type Case = {
  readonly about: string;
  /** How many rounds of it make a run; quick runs make one. */
  readonly rounds: number;
  /** One round; `turn` counts them, so that each row comes first once. */
  readonly round: (options: Options, turn: number) => Promise<Round>;
};

export const PAYLOAD_BYTES = 200;
const CONNECTS_AT_ONCE = 64;

export const clientsOf = (options: Options, usual: number): number =>
  options.clients ?? (options.quick ? Math.ceil(usual / 10) : usual);

/** A row's server and its load generator, for one measurement. */
export type Bench = { readonly row: Row; readonly load: Load };

/** Runs `measure` on each row, one after the other, each with a fresh server and a fresh load generator. */
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

/** Lets what the opening of many sockets has left to do come to its end. */
export const settle = (): Promise<void> => sleep(1_000);
