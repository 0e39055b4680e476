import { FIRST_FRONT, shardAddress } from "../contracts/address.ts";
import {
  encodeRoute,
  OWNERS,
  REFUSAL_STATUS,
  ROUTE_HEADER,
  type Refusal,
  type RouteIdentity,
} from "../contracts/route.ts";
import { CONTRACT } from "../contracts/version.ts";
import { coordinatorStub, shardStub, within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import type { ShardSpec } from "../ring/descriptor.ts";
import type { RingCache } from "./ring-cache.ts";

/** A request finds its shard in one step, or two after a change; more than this is a fault. */
const MAX_STEPS = 8;
/** A shard that has just died answers at the second call; one that is overloaded is left alone after it. */
const MAX_FAILURES = 2;
const COORDINATOR_WAIT_MS = 2_000;

export type Forwarded =
  | { readonly kind: "connected"; readonly response: Response }
  | { readonly kind: "unavailable"; readonly retryAfterSeconds: number; readonly message: string };

/**
 * Takes an upgrade to the shard that owns its key. A router or a shard that is behind is corrected on the way, within
 * one request.
 *
 * Steady state: one call, to the owner. The coordinator is asked only after two shards in one request have said
 * that they are not the owner.
 */
export async function forward(upgrade: {
  readonly env: Cloudflare.Env;
  /** The client protocol; without it that of the first front. */
  readonly front?: string;
  readonly request: Request;
  readonly cache: RingCache;
  readonly key: string;
  readonly clientRegion: string;
  readonly token?: string;
  readonly identity?: RouteIdentity;
}): Promise<Forwarded> {
  const { env, cache, key, clientRegion, front = FIRST_FRONT } = upgrade;
  const refused: string[] = [];
  let misdirected = 0;
  let failures = 0;
  const failed = (owner: ShardSpec, error: unknown): boolean => {
    logError("a shard did not take an upgrade", { shard: owner.id, attempt: failures + 1, error });
    failures += 1;
    return failures >= MAX_FAILURES;
  };
  for (let step = 0; step < MAX_STEPS; step++) {
    const owner = cache.ring.owners(key, clientRegion, OWNERS).find(({ id }) => !refused.includes(id));
    if (owner === undefined) return unavailable(5, "every shard that may take this connection is full");
    let response: Response;
    try {
      response = await ask(upgrade, owner, refused);
    } catch (error) {
      if (failed(owner, error)) return unavailable(2, "the shard does not answer");
      continue;
    }
    if (response.status === 101) return { kind: "connected", response };
    const refusal = await readRefusal(response);
    switch (refusal?.kind) {
      case "misdirected":
        cache.adopt(refusal.descriptor);
        misdirected += 1;
        if (misdirected >= 2) await askCoordinator(env, cache);
        break;
      case "behind":
        if (cache.ring.descriptor.epoch === 0) return unavailable(2, "the cluster is starting");
        try {
          await shardStub(env, shardAddress(front, owner)).adopt(cache.ring.descriptor, undefined, CONTRACT);
        } catch (error) {
          if (failed(owner, error)) return unavailable(2, "the shard does not answer");
        }
        break;
      case "full":
        refused.push(owner.id);
        break;
      case "busy":
        return unavailable(refusal.retryAfterSeconds, "too many connections at once");
      case undefined:
        return unavailable(5, `shard ${owner.id} answered ${response.status}`);
    }
  }
  return unavailable(5, "no shard took the connection");
}

function ask(
  upgrade: Parameters<typeof forward>[0],
  owner: ShardSpec,
  refused: readonly string[],
): Promise<Response> {
  const { ring } = upgrade.cache;
  const forwarded = new Request(upgrade.request);
  // `set` also drops what a client says in our header.
  forwarded.headers.set(
    ROUTE_HEADER,
    encodeRoute({
      contract: CONTRACT,
      key: upgrade.key,
      clientRegion: upgrade.clientRegion,
      ringEpoch: ring.descriptor.epoch,
      digest: ring.digest,
      refused,
      ...(upgrade.token === undefined ? {} : { token: upgrade.token }),
      ...(upgrade.identity === undefined ? {} : { identity: upgrade.identity }),
    }),
  );
  return shardStub(upgrade.env, shardAddress(upgrade.front ?? FIRST_FRONT, owner)).fetch(forwarded);
}

async function readRefusal(response: Response): Promise<Refusal | undefined> {
  if (!Object.values<number>(REFUSAL_STATUS).includes(response.status)) return undefined;
  try {
    return await response.json<Refusal>();
  } catch {
    return undefined;
  }
}

async function askCoordinator(env: Cloudflare.Env, cache: RingCache): Promise<void> {
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
