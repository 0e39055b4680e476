import type { Hooks } from "./release.ts";
import type { World } from "./world.ts";

/** A deployment that wants to hear of sessions and channels, and does not always take what it is told. */
export class Told {
  readonly hooks: Hooks = {
    onDisconnect: ({ id, session }) => {
      this.#hear(id, () => this.#ended.add(session.client));
    },
    onChannelOccupied: ({ id, channel }) => {
      this.#hear(id, () => this.#of(channel).push("occupied"));
    },
    onChannelVacated: ({ id, channel }) => {
      this.#hear(id, () => this.#of(channel).push("vacated"));
    },
  };
  readonly #ids = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #channels = new Map<string, ("occupied" | "vacated")[]>();
  #world: World | undefined;

  /** From now on it refuses when the weather is bad. */
  in(world: World): void {
    this.#world = world;
  }

  /** What it must have heard when nothing has gone wrong for a while (SPEC HK4, HK7). */
  *judge(clients: readonly Client[]): Generator<string> {
    for (const { name, sessions, current } of clients) {
      for (const session of sessions) {
        const ended = this.#ended.has(session);
        if (ended && session === current) yield `${name}: its session was told to have ended`;
        if (!ended && session !== current) yield `${name}: the end of ${session} was not told`;
      }
    }
    for (const [channel, facts] of this.#channels) {
      const wrong = facts.findIndex((fact, n) => fact !== (n % 2 === 0 ? "occupied" : "vacated"));
      if (wrong >= 0) yield `${channel}: ${facts.join(", ")}`;
    }
    const heard = new Set(clients.flatMap(({ channels }) => channels));
    for (const channel of new Set([...heard, ...this.#channels.keys()])) {
      const occupied = this.#channels.get(channel)?.at(-1) === "occupied";
      if (occupied !== heard.has(channel))
        yield `${channel}: told to be ${occupied ? "occupied" : "vacated"}, and is not`;
    }
  }

  #hear(id: string, note: () => void): void {
    const { random, weather } = this.#world ?? {};
    const isBad = weather !== undefined && weather.lost > 0;
    if (isBad && random?.chance(0.2) === true) throw new Error("not now");
    if (!this.#ids.has(id)) note();
    this.#ids.add(id);
    if (isBad && random?.chance(0.2) === true) throw new Error("taken, and not said");
  }

  #of(channel: string): ("occupied" | "vacated")[] {
    const known = this.#channels.get(channel) ?? [];
    this.#channels.set(channel, known);
    return known;
  }
}

/** `sessions`: those that were answered on `connect`; `current`: the one that lives. */
type Client = {
  readonly name: string;
  readonly sessions: readonly string[];
  readonly current: string | undefined;
  readonly channels: readonly string[];
};
