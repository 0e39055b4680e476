import type { ClusterConfig } from "../../config/cluster.ts";
import type { ShardAddress } from "../../contracts/address.ts";
import type { Prediction, ShardStatus } from "../../contracts/shard.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub, within } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";
import { buildRing } from "../../ring/build.ts";
import type { Descriptor } from "../../ring/descriptor.ts";
import type { Ring } from "../../ring/ring.ts";
import type { Connections } from "../connections/connections.ts";
import { Guests } from "./guests.ts";
import { Membership, mustMove } from "./membership.ts";
import type { ShardLoad } from "../records/load.ts";
import { Migration } from "./migration.ts";
import { RegionGuests } from "./region-guests.ts";
import { COORDINATOR_WAIT_MS, Reports } from "./reports.ts";

/** A migration runs on timers; this alarm takes it up again if the object was put away meanwhile. */
const MIGRATION_CHECK_MS = 5_000;

export type MovesDuty = "moves" | "report" | "guests";

export type MovesParts = {
  readonly storage: DurableObjectStorage;
  readonly env: RingcastEnv;
  readonly cluster: ClusterConfig;
  readonly shard: ShardAddress;
  readonly connections: Connections;
  readonly load: ShardLoad;
  readonly status: () => ShardStatus;
  readonly arm: (duty: MovesDuty, at: number) => Promise<void>;
  readonly waitUntil: (promise: Promise<unknown>) => void;
};

/** The ring as this shard knows it, and the sessions that have to leave because of it (SPEC MB, MV). */
export class Moves {
  readonly membership: Membership;
  readonly guests: Guests;
  readonly regionGuests: RegionGuests;
  readonly reports: Reports;
  readonly #parts: MovesParts;
  readonly #migration: Migration;
  /** The ring until the last change, from which the pace of a migration follows. */
  #ringBefore: Ring | undefined;

  constructor(parts: MovesParts) {
    const { storage, env, cluster, shard, connections, load, status } = parts;
    this.#parts = parts;
    this.membership = new Membership(storage, shard.name);
    const { healthReportMs, pingIntervalMs } = cluster.times;
    this.guests = new Guests({
      storage,
      membership: this.membership,
      sessions: () => connections.sessions,
      // A shard looks at each ping whether it has news, and reports once in the interval; twice that, for a busy time.
      reportedAfterMs: 2 * (healthReportMs + pingIntervalMs),
    });
    this.regionGuests = new RegionGuests({
      env,
      storage,
      times: cluster.times,
      shard,
      membership: this.membership,
      sessions: () => connections.sessions,
      arm: (at) => parts.waitUntil(parts.arm("guests", at)),
      onOver: () => this.#sendGuestsHome(),
    });
    this.reports = new Reports({
      storage,
      env,
      shard,
      load,
      guests: this.guests,
      status: () => ({ ...status(), load: load.status(), guests: this.guests.here() }),
      intervalMs: healthReportMs,
      isDrained: () => this.#isDrained(),
      onDescriptor: (descriptor) => this.#correct(descriptor),
      arm: (at) => parts.waitUntil(parts.arm("report", at)),
    });
    this.#migration = new Migration({
      shard,
      connections,
      membership: this.membership,
      limits: cluster.moves,
      onDone: (done) => this.reports.moved(done),
    });
  }

  /** Whether every session here belongs here by the present ring. */
  get settled(): boolean {
    return this.#migration.settled;
  }

  /** Adopts a newer descriptor, whichever object shows it; older ones and repetitions change nothing. */
  async adopt(descriptor: Descriptor): Promise<void> {
    const before = this.membership.ring;
    if (this.membership.adopt(descriptor)) await this.#plan(before);
  }

  /** Asks the coordinator for its descriptor. Does not reject: without an answer the shard goes by its own. */
  async askDescriptor(): Promise<void> {
    try {
      const answer = coordinatorStub(this.#parts.env).descriptor(CONTRACT);
      await this.#correct(await within(COORDINATOR_WAIT_MS, answer));
    } catch (error) {
      logError("the coordinator did not show its descriptor", { shard: this.#parts.shard.id, error });
    }
  }

  /** The moves from here that a descriptor would cause, by the function that the moves go by. */
  predict(descriptor: Descriptor): Prediction {
    const { connections, shard } = this.#parts;
    const ring = buildRing(descriptor);
    const to: Record<string, number> = {};
    let sessions = 0;
    for (const { attachment } of connections.sessions) {
      if (!mustMove(ring, shard.name, attachment)) continue;
      const owner = ring.owner(attachment.key, attachment.clientRegion)?.id ?? "";
      to[owner] = (to[owner] ?? 0) + 1;
      sessions += 1;
    }
    return { sessions, to };
  }

  /** A duty of the object's alarm; answers when it is next due. */
  async run(duty: MovesDuty, now: number): Promise<number | undefined> {
    if (duty === "report") return this.reports.run(now);
    if (duty === "guests") return this.regionGuests.run(now);
    this.#migration.start(this.#ringBefore);
    return this.#migration.running ? now + MIGRATION_CHECK_MS : undefined;
  }

  /** The coordinator's own word, which also settles a dispute within an epoch. */
  async #correct(descriptor: Descriptor): Promise<void> {
    const before = this.membership.ring;
    if (this.membership.correct(descriptor)) await this.#plan(before);
  }

  async #sendGuestsHome(): Promise<void> {
    this.#migration.sendHome();
    await this.#parts.arm("moves", Date.now());
  }

  async #plan(before: Ring | undefined): Promise<void> {
    this.#ringBefore = before;
    await this.#parts.arm("moves", Date.now());
  }

  #isDrained(): boolean {
    const isEmpty = this.#parts.connections.sessions.clients === 0 && !this.#migration.running;
    return isEmpty && this.membership.self?.state === "draining";
  }
}
