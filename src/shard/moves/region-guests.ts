import type { ClusterConfig } from "../../config/cluster.ts";
import { addressKey, shardAddress, type ShardAddress } from "../../contracts/address.ts";
import { beginOutage, isPast, stepOutage, type PastOutages, type Watch } from "../../elastic/outage.ts";
import { whoAnswers } from "../../fanout/who-answers.ts";
import type { Ring } from "../../ring/ring.ts";
import type { Connections } from "../connections/connections.ts";
import type { Session } from "../connections/session.ts";
import { isRegionGuest, type Membership } from "./membership.ts";

/** One stored value: the regions whose clients have gone home from here, and how often they soon came back. */
type Past = Readonly<Record<string, PastOutages>>;

export type RegionGuestsParts = {
  readonly env: RingcastEnv;
  readonly storage: DurableObjectStorage;
  readonly times: Pick<ClusterConfig["times"], "regionCheckMs">;
  readonly shard: ShardAddress;
  readonly membership: Pick<Membership, "ring">;
  readonly sessions: () => Connections["sessions"];
  /** Makes the appointment of {@link RegionGuests.run}. */
  readonly arm: (at: number) => void;
  /** Sessions that were guests have to leave. */
  readonly onOver: () => Promise<void>;
};

/**
 * The guests from regions that a router could not reach, and that no epoch has declared down: sends them home when their
 * region answers again (SPEC EL71). A shard without guests asks nobody.
 */
export class RegionGuests {
  readonly #parts: RegionGuestsParts;
  /** The regions that have guests here; a new life begins their time anew. */
  #watches = new Map<string, Watch>();
  #past: Past;

  constructor(parts: RegionGuestsParts) {
    this.#parts = parts;
    this.#past = parts.storage.kv.get<Past>("pastOutages") ?? {};
  }

  /** A guest has come. */
  came(region: string, now: number): void {
    if (!this.#watches.has(region)) this.look(now);
  }

  /** With each ping, as a release that does not know guests drops the appointment. */
  look(now: number): void {
    const nextAt = this.#begin(now);
    if (nextAt !== undefined) this.#parts.arm(nextAt);
  }

  /** A duty of the shard's alarm; answers when it is next due. */
  async run(now: number): Promise<number | undefined> {
    this.#begin(now);
    const due = [...this.#watches].filter(([, { nextAt }]) => nextAt !== null && nextAt <= now);
    await Promise.all(due.map(([region, watch]) => this.#check(region, watch)));
    return this.#begin(Date.now());
  }

  /** Watches the regions that have guests, and no other; answers when the next one is checked. */
  #begin(now: number): number | undefined {
    const { regionCheckMs: pauseMs } = this.#parts.times;
    const begin = (region: string) => beginOutage(this.#past[region], { now, pauseMs });
    this.#watches = new Map(
      [...this.#guests().keys()].map((region) => [region, this.#watches.get(region) ?? begin(region)]),
    );
    const times = [...this.#watches.values()].flatMap(({ nextAt }) => nextAt ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The guests by region. */
  #guests(): Map<string, Session[]> {
    const { membership, sessions } = this.#parts;
    const { ring } = membership;
    const guests = new Map<string, Session[]>();
    if (ring === undefined) return guests;
    for (const session of sessions()) {
      const { guestOf } = session.attachment;
      if (guestOf === undefined || !isRegionGuest(ring, guestOf)) continue;
      const others = guests.get(guestOf.region);
      if (others === undefined) guests.set(guestOf.region, [session]);
      else others.push(session);
    }
    return guests;
  }

  async #check(region: string, watch: Watch): Promise<void> {
    const { env, membership, times, shard } = this.#parts;
    const { ring } = membership;
    const key = this.#guests().get(region)?.[0]?.attachment.key;
    if (ring === undefined || key === undefined) return;
    const asked = ownersThere(ring, key, region).map((spec) => shardAddress(shard.front, spec));
    const alive = await whoAnswers(env, asked, times.regionCheckMs);
    const { watch: after, change } = stepOutage(watch, {
      region,
      // The shards that the router did not reach are down as far as their guests are concerned.
      shards: asked.map(({ id }) => ({ id, state: "down" })),
      answered: new Set(asked.filter((one) => alive.has(addressKey(one))).map(({ id }) => id)),
      homeAnswers: true,
      pauseMs: times.regionCheckMs,
      now: Date.now(),
    });
    if (change === undefined) {
      if (after !== undefined) this.#watches.set(region, after);
      return;
    }
    await this.#sendHome(region, watch);
  }

  async #sendHome(region: string, { relapses }: Watch): Promise<void> {
    const { storage, sessions, times, onOver } = this.#parts;
    const check = { now: Date.now(), pauseMs: times.regionCheckMs };
    const counting = Object.entries(this.#past).filter(([, past]) => !isPast(past, check));
    this.#past = { ...Object.fromEntries(counting), [region]: { recoveredAt: check.now, relapses } };
    storage.kv.put("pastOutages", this.#past);
    for (const session of this.#guests().get(region) ?? []) {
      const { guestOf, ...attachment } = session.attachment;
      if (guestOf === undefined) continue;
      const isKept = sessions().remember(session, { ...attachment, guestOf: { ...guestOf, isOver: true } });
      // A socket without room for the mark has room without the guest's own.
      if (!isKept) sessions().remember(session, attachment);
    }
    await onOver();
  }
}

/** The owners of a key in a region of the ring. */
const ownersThere = (ring: Ring, key: string, region: string) =>
  ring.regionOf(region) === region ? ring.owners(key, region) : [];
