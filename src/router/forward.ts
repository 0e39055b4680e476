import { FIRST_FRONT, type ShardAddress } from "../contracts/address.ts";
import {
  encodeRoute,
  REFUSAL_STATUS,
  ROUTE_HEADER,
  type Refusal,
  type Route,
  type RouteIdentity,
} from "../contracts/route.ts";
import { CONTRACT } from "../contracts/version.ts";
import { coordinatorStub, isOverloaded, shardStub, within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import { OWNERS } from "../ring/ring.ts";
import { isSilent, passesBy } from "./reach.ts";
import type { RingCache } from "./ring-cache.ts";

/**
 * An upgrade finds its shard in one step, and after a change of the ring in two. It asks all owners up to three times:
 * for its own key, for a random one, and without the bound. More steps than this are a fault.
 */
const MAX_STEPS = 3 * OWNERS + 4;
/** A shard that has just died answers the second call. An overloaded shard gets no third call (docs/platform.md P23). */
const MAX_FAILURES = 2;
export const COORDINATOR_WAIT_MS = 2_000;
/** How long a shard has for an upgrade, where another region can take it: its own wait for the coordinator, and a start. */
const SHARD_WAIT_MS = 6_000;

export type Forwarded =
  | { readonly kind: "connected"; readonly response: Response }
  | { readonly kind: "unavailable"; readonly retryAfterSeconds: number; readonly message: string };

type Upgrade = {
  readonly env: RingcastEnv;
  /** The front of the client's protocol; the first front unless given. */
  readonly front?: string;
  /** The subprotocol to agree on, if the client offers it. */
  readonly subprotocol?: string | undefined;
  readonly cache: RingCache;
  readonly key: string;
  /** The key is the client's address: where its owners are above their bound, a random key does as well. */
  readonly keyIsAddress?: boolean;
  readonly clientRegion: string;
  readonly token?: string;
  readonly identity?: RouteIdentity;
  /** See `Route`. */
  readonly inMemory?: true;
  readonly ofFront?: unknown;
};

/**
 * Takes an upgrade to the shard that owns its key (SPEC MB7). Within the same request it corrects a router or a shard
 * that has an old descriptor (SPEC MB8).
 *
 * In the steady state it makes one call, to the owner. It asks the coordinator only after two shards have answered that
 * another shard owns the key. Owners above their bound hand the connection on, and never refuse it: when all have handed
 * it on it goes to the first that has room (SPEC EL30). Where a region does not answer, the connection is a guest of the
 * default region, and the coordinator hears of it (SPEC EL42).
 */
export async function forward(upgrade: Upgrade): Promise<Forwarded> {
  const { env, cache, clientRegion, front = FIRST_FRONT } = upgrade;
  let place: Place = { key: upgrade.key, refused: [] };
  const served = cache.ring.regionOf(clientRegion);
  if (served !== undefined && cache.verdicts.size > 0 && passesBy(cache.verdicts, served, Date.now()))
    place = { ...place, unreachable: served };
  let isAboveBound = false;
  let misdirected = 0;
  let failures = 0;
  const failed = (shard: ShardAddress, error: unknown): boolean => {
    failures += 1;
    cache.failures.note(shard, error);
    logError("a shard did not take an upgrade", { shard: shard.id, attempt: failures, error });
    return failures >= MAX_FAILURES;
  };
  for (let step = 0; step < MAX_STEPS; step++) {
    const region = cache.ring.placingRegion({ clientRegion, unreachable: place.unreachable });
    const owners = cache.ring.owners(place.key, region);
    const owner = owners.find(({ id }) => !place.refused.includes(id));
    if (owner === undefined && isAboveBound) {
      place = nextPlace(place, upgrade);
      isAboveBound = false;
      continue;
    }
    const address = owner === undefined ? undefined : cache.addresses.get(owner.id);
    if (address === undefined) return unavailable(5, "every shard that may take this connection is full");
    const shard = { ...address, front };
    let response: Response;
    try {
      response = await ask(upgrade, shard, place);
      if (cache.verdicts.size > 0) cache.verdicts.delete(shard.region);
    } catch (error) {
      if (!failed(shard, error) && !(error instanceof LateError)) continue;
      const isGuest = place.unreachable !== undefined || isOverloaded(error);
      if (isGuest || !(await findUnreachable(upgrade, shard)))
        return unavailable(2, "the shard does not answer");
      place = { key: upgrade.key, refused: [], unreachable: shard.region };
      failures = 0;
      continue;
    }
    if (response.status === 101 || response.ok) return { kind: "connected", response };
    const refusal = await readRefusal(response);
    switch (refusal?.kind) {
      case "misdirected":
        // A shard of release 0.2.0 takes no guest of another region.
        if (place.unreachable !== undefined && refusal.descriptor.epoch <= cache.ring.descriptor.epoch)
          return unavailable(2, "the shard does not answer");
        cache.adopt(refusal.descriptor);
        misdirected += 1;
        if (misdirected >= 2) await askCoordinator(env, cache);
        break;
      case "behind":
        if (cache.ring.descriptor.epoch === 0) return unavailable(2, "the cluster is starting");
        try {
          await shardStub(env, shard).adopt(cache.ring.descriptor, undefined, CONTRACT);
        } catch (error) {
          if (failed(shard, error)) return unavailable(2, "the shard does not answer");
        }
        break;
      case "full":
        place = { ...place, refused: [...place.refused, shard.id] };
        isAboveBound ||= refusal.bound === true;
        break;
      case "busy":
        return unavailable(refusal.retryAfterSeconds, "too many connections at once");
      case undefined:
        return unavailable(5, `shard ${shard.id} answered ${response.status}`);
    }
  }
  return unavailable(5, "no shard took the connection");
}

/** Where an upgrade is offered: under which key, which owners have refused it, and whether the bound counts no more. */
type Place = Pick<Route, "key" | "refused" | "unbounded" | "unreachable">;

/** The next place when all owners of a key have refused, at least one of them for its bound alone. */
function nextPlace(place: Place, { keyIsAddress, key: address }: Upgrade): Place {
  if (keyIsAddress === true && place.key === address)
    return { ...place, key: crypto.randomUUID(), refused: [] };
  return { ...place, refused: [], unbounded: true };
}

/** A shard whose region the default region can stand in for has not answered in time. */
class LateError extends Error {}

/** Rejects where a shard fails, or does not answer in time and the default region can take its connections. */
async function ask(upgrade: Upgrade, shard: ShardAddress, place: Place): Promise<Response> {
  const answer = askShard(upgrade, shard, place);
  if (shard.region === upgrade.cache.ring.homeRegion) return answer;
  let isLate = false;
  try {
    return await within(SHARD_WAIT_MS, answer, () => {
      isLate = true;
      return new LateError(`no answer within ${SHARD_WAIT_MS} ms`);
    });
  } finally {
    if (isLate) void answer.then(drop, () => undefined);
  }
}

/** The client is elsewhere. */
function drop({ webSocket }: Response): void {
  webSocket?.accept();
  webSocket?.close(1001);
}

/** What the router has seen, and tells the shard along with the upgrade. */
type News = { readonly failed: Route["failed"]; readonly codes: Route["codes"] };

async function askShard(upgrade: Upgrade, shard: ShardAddress, place: Place): Promise<Response> {
  const { failures, refusals } = upgrade.cache;
  const failed = failures.hasNews ? failures.take(Date.now()) : undefined;
  const codes = refusals.hasNews ? refusals.take(Date.now()) : undefined;
  // A fresh request: the client's own headers, cookies and extensions do not travel to the shard (SPEC AU9).
  const request = new Request("https://shard/", { headers: headersFor(upgrade, place, { failed, codes }) });
  try {
    return await shardStub(upgrade.env, shard).fetch(request);
  } catch (error) {
    failures.putBack(failed);
    refusals.putBack(codes);
    throw error;
  }
}

/** A field without a value is left out of the header. */
function headersFor(upgrade: Upgrade, place: Place, news: News): Record<string, string> {
  const { cache, clientRegion, token, identity, inMemory, ofFront, subprotocol } = upgrade;
  const { descriptor, digest } = cache.ring;
  return {
    ...(inMemory === true ? {} : { upgrade: "websocket" }),
    ...(subprotocol === undefined ? {} : { "sec-websocket-protocol": subprotocol }),
    [ROUTE_HEADER]: encodeRoute({
      contract: CONTRACT,
      ...place,
      clientRegion,
      ringEpoch: descriptor.epoch,
      digest,
      token,
      identity,
      ...news,
      inMemory,
      ofFront,
    }),
  };
}

async function readRefusal(response: Response): Promise<Refusal | undefined> {
  if (!Object.values<number>(REFUSAL_STATUS).includes(response.status)) return undefined;
  try {
    return await response.json<Refusal>();
  } catch {
    return undefined;
  }
}

/** Whether no shard of a region answers, so that the default region may take its clients. The coordinator hears of it. */
async function findUnreachable({ env, cache }: Upgrade, shard: ShardAddress): Promise<boolean> {
  if (shard.region === cache.ring.homeRegion) return false;
  if (!(await isSilent(env, shard, cache))) return false;
  try {
    const answer = coordinatorStub(env).unreachable(shard.region, CONTRACT);
    cache.correct(await within(COORDINATOR_WAIT_MS, answer));
  } catch (error) {
    logError("the coordinator did not hear of a region that does not answer", {
      region: shard.region,
      error,
    });
  }
  return true;
}

/** Takes the coordinator's descriptor. Does not reject. */
export async function askCoordinator(env: RingcastEnv, cache: RingCache): Promise<void> {
  try {
    cache.correct(await within(COORDINATOR_WAIT_MS, coordinatorStub(env).descriptor(CONTRACT)));
  } catch (error) {
    logError("the coordinator did not show its descriptor", { error });
  }
}

const unavailable = (retryAfterSeconds: number, message: string): Forwarded => ({
  kind: "unavailable",
  retryAfterSeconds,
  message,
});
