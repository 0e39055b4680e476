import type { KnownFaults } from "./known-faults.ts";
import type { Hooks } from "./release.ts";
import type { World } from "./world.ts";

/** The hooks of a deployment that records ends of sessions and occupied channels, and sometimes throws. */
export class HookRecorder {
  readonly hooks: Hooks = {
    onDisconnect: ({ id, session }) => {
      this.#record(id, () => this.#ended.add(session.client));
    },
    onChannelOccupied: ({ id, channel }) => {
      this.#record(id, () => this.#of(channel).push("occupied"));
    },
    onChannelVacated: ({ id, channel }) => {
      this.#record(id, () => this.#of(channel).push("vacated"));
    },
  };
  readonly #ids = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #channels = new Map<string, ("occupied" | "vacated")[]>();
  readonly #knownFaults: KnownFaults;
  #world: World | undefined;

  constructor(knownFaults: KnownFaults) {
    this.#knownFaults = knownFaults;
  }

  /** From now on the hooks throw at random while the network has faults. */
  attach(world: World): void {
    this.#world = world;
  }

  /** The events that are missing or wrong, when nothing has gone wrong for a while (SPEC HK4, HK7). */
  *judge(clients: readonly Client[]): Generator<string> {
    for (const { name, sessions, current } of clients) {
      for (const session of sessions) {
        const ended = this.#ended.has(session);
        if (ended && session === current)
          yield `${name}: its session is connected, and onDisconnect has reported its end`;
        if (!ended && session !== current)
          yield `${name}: onDisconnect has not reported the end of ${session}`;
      }
    }
    for (const [channel, facts] of this.#channels) {
      const wrong = facts.findIndex((fact, n) => fact !== (n % 2 === 0 ? "occupied" : "vacated"));
      if (wrong >= 0) yield `${channel}: ${facts.join(", ")}`;
    }
    const heard = new Set(clients.flatMap(({ channels }) => channels));
    for (const channel of new Set([...heard, ...this.#channels.keys()])) {
      const occupied = this.#channels.get(channel)?.at(-1) === "occupied";
      const isExcused = this.#knownFaults.excuses(channel, this.#registeredWith(channel));
      if (occupied && !heard.has(channel) && isExcused) continue;
      if (occupied !== heard.has(channel))
        yield `${channel}: the last event is ${occupied ? "occupied" : "vacated"}, and the channel is not`;
    }
  }

  /** The shards that a channel has registered. */
  #registeredWith(channel: string): string[] {
    const storage = this.#world?.objects.of(`CHANNEL ${channel}`).storage;
    const hasTable = storage?.query("SELECT 1 FROM sqlite_master WHERE name = 'listeners'").length === 1;
    return hasTable ? storage.query("SELECT name FROM listeners").map(({ name }) => String(name)) : [];
  }

  #record(id: string, note: () => void): void {
    const random = this.#world?.random;
    const hasFaults = (this.#world?.network.faults.lost ?? 0) > 0;
    if (hasFaults && random?.chance(0.2) === true) throw new Error("the hook refuses the event");
    if (!this.#ids.has(id)) note();
    this.#ids.add(id);
    if (hasFaults && random?.chance(0.2) === true) throw new Error("the hook has taken the event, and fails");
  }

  #of(channel: string): ("occupied" | "vacated")[] {
    const known = this.#channels.get(channel) ?? [];
    this.#channels.set(channel, known);
    return known;
  }
}

/** `sessions`: the ids that connect replies have given; `current`: the id of the open connection. */
type Client = {
  readonly name: string;
  readonly sessions: readonly string[];
  readonly current: string | undefined;
  readonly channels: readonly string[];
};
