import type { ClusterConfig } from "../../config/cluster.ts";
import type { ShardAddress } from "../../contracts/address.ts";
import { descriptorFor } from "../../contracts/descriptor.ts";
import { REFUSAL_STATUS, type Refusal, type Route, type SessionRequest } from "../../contracts/route.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import type { Timetable } from "../../platform/timetable.ts";
import type { Connections } from "../connections/connections.ts";
import type { Opening } from "../connections/session.ts";
import type { Ring } from "../../ring/ring.ts";
import { planAdmission } from "./admission.ts";
import type { Service } from "../front.ts";
import type { Counters } from "../records/counters.ts";
import type { Moves } from "./moves.ts";

/** The Retry-After of a client that came too fast. */
const BUSY_RETRY_SECONDS = 2;

export type UpgradesParts = {
  readonly ctx: DurableObjectState;
  readonly cluster: ClusterConfig;
  readonly shard: ShardAddress;
  readonly connections: Connections;
  readonly moves: Moves;
  readonly counters: Counters;
  readonly timetable: Pick<Timetable<"ping" | "sweep">, "arm" | "isArmed">;
  readonly service: Pick<Service, "accepted" | "open" | "request">;
};

/** Takes the upgrades that the router brings, or says why not, and which shard should (SPEC MB7). */
export class Upgrades {
  readonly #parts: UpgradesParts;
  readonly #bucket: TokenBucket;

  constructor(parts: UpgradesParts) {
    const { upgradeBurst, upgradesPerSecond } = parts.cluster.limits;
    this.#parts = parts;
    this.#bucket = new TokenBucket({ burst: upgradeBurst, perSecond: upgradesPerSecond }, Date.now());
  }

  /** Answers a request that the router brings: of a new connection, or of a session. */
  async answer(word: Route | SessionRequest, request: Request): Promise<Response> {
    if (!("session" in word)) return this.take(word, request.headers.get("sec-websocket-protocol"));
    const { service } = this.#parts;
    if (service.request === undefined) throw new Error("the sessions of this front have no requests");
    return service.request(word.session, request);
  }

  /** 101, or the front's answer to a connection in memory, or a `Refusal` as JSON. `offered`: the client's subprotocols. */
  async take(route: Route, offered: string | null): Promise<Response> {
    const { ctx, cluster, shard, connections, moves, counters, timetable } = this.#parts;
    if (isDisputed(moves.membership.ring, route)) await moves.askDescriptor();
    if (route.failed !== undefined) moves.reports.callersSaw(route.failed);
    for (const { kind, code, count } of route.codes ?? []) counters.code(kind, code, count);
    const now = Date.now();
    const admission = planAdmission({
      ring: moves.membership.ring,
      shardName: shard.name,
      route,
      hasRoom: connections.hasRoom(now),
      isAtBound: connections.sessions.size >= moves.reports.bound,
    });
    if (admission.kind === "full") this.#refused(now, admission);
    if (admission.kind !== "accept") counters.code("refusal", admission.kind);
    if (admission.kind === "misdirected")
      return refuse({ ...admission, descriptor: descriptorFor(route.contract, admission.descriptor) });
    if (admission.kind !== "accept") return refuse(admission);
    const reserve = this.#reserveFor(route);
    if (!this.#bucket.take(now, { reserve })) {
      counters.code("refusal", "busy");
      return refuse({ kind: "busy", retryAfterSeconds: BUSY_RETRY_SECONDS });
    }
    const { pingIntervalMs, staleConnectionMs } = cluster.times;
    const duties = { ping: now + pingIntervalMs, sweep: now + staleConnectionMs };
    for (const name of ["ping", "sweep"] as const)
      if (!timetable.isArmed(name, duties[name])) ctx.waitUntil(timetable.arm(name, duties[name]));
    counters.upgrades += 1;
    const opening = openingOf(route, { rank: admission.rank, openedAt: now, ring: moves.membership.ring });
    const response = route.inMemory === true ? await this.#open(opening) : this.#accept(opening, offered);
    if (route.unreachable !== undefined) moves.regionGuests.came(route.unreachable, now);
    const { size } = connections.sessions;
    if (size >= cluster.scale.mark * cluster.limits.sessionsPerShard) moves.reports.hurry(now);
    return response;
  }

  #accept(opening: Opening, offered: string | null): Response {
    const { connections, service } = this.#parts;
    const { session, response } = connections.accept(opening, offered);
    service.accepted?.(session);
    return response;
  }

  #open(opening: Opening): Promise<Response> {
    const { open } = this.#parts.service;
    if (open === undefined) throw new Error("this front takes WebSockets only");
    return open(opening);
  }

  /** A next owner may have room. Only a lack of room makes the ring grow. */
  #refused(now: number, { bound }: { readonly bound?: true }): void {
    const { counters, moves } = this.#parts;
    moves.guests.handedOn(now);
    if (bound === undefined) counters.refused += 1;
    moves.reports.hurry(now);
  }

  /**
   * Where every connection needs an identity, an upgrade that proves none leaves most of the burst to those that do,
   * so that a flood of strangers locks out nobody who comes with a token (SPEC BD24). The router forwards no token
   * that is not valid.
   */
  #reserveFor({ token, identity }: Route): number {
    const { anonymous, insecure, limits } = this.#parts.cluster;
    const isProven = token !== undefined || identity?.kind === "user";
    return anonymous || insecure || isProven
      ? 0
      : Math.min(limits.upgradeBurst * RESERVED, limits.upgradeBurst - 1);
  }
}

/** The part of the burst that only an upgrade with a proven identity may take. */
const RESERVED = 0.75;

/** Two descriptors of one epoch, or none at all: only the coordinator knows which is true. */
const isDisputed = (ring: Ring | undefined, route: Route): boolean =>
  ring === undefined || (ring.descriptor.epoch === route.ringEpoch && ring.digest !== route.digest);

const openingOf = (
  route: Route,
  { ring, ...placed }: Pick<Opening, "rank" | "openedAt"> & { readonly ring: Ring | undefined },
): Opening => ({
  state: "opening",
  id: crypto.randomUUID(),
  ...placed,
  key: route.key,
  clientRegion: route.clientRegion,
  ...(route.unreachable === undefined
    ? {}
    : { guestOf: { region: route.unreachable, ringEpoch: ring?.descriptor.epoch ?? 0 } }),
  ...(route.token === undefined ? {} : { token: route.token }),
  ...(route.identity === undefined ? {} : { identity: route.identity }),
  ...(route.ofFront === undefined ? {} : { ofFront: route.ofFront }),
});

function refuse(refusal: Refusal): Response {
  const headers = new Headers();
  if (refusal.kind === "busy") headers.set("retry-after", String(refusal.retryAfterSeconds));
  return Response.json(refusal, { status: REFUSAL_STATUS[refusal.kind], headers });
}
