import pRetry from "p-retry";
import { FIRST_FRONT, type SentAddress } from "../contracts/address.ts";
import type { ChannelContract } from "../contracts/channel.ts";
import type { CoordinatorContract } from "../contracts/coordinator.ts";
import type { LogContract } from "../contracts/log.ts";
import type { ShardContract } from "../contracts/shard.ts";
import type { Jurisdiction } from "../config/regions.ts";
import type { ChannelHome } from "../policy/channels.ts";
import { configOf } from "./config.ts";
import { namespaceOfFront } from "./fronts.ts";
import { namespaceIn } from "./jurisdiction.ts";

/** `fetch`: an upgrade from the router (contracts/route.ts): 101, or a `Refusal` as JSON. */
export type ShardStub = ShardContract & { fetch(request: Request): Promise<Response> };

/**
 * How one object finds another and calls it. Only the first `get` of an object places it, so every caller gives the
 * hint (docs/platform.md P32). A stub that has thrown stays broken: make a new one for each call.
 */
export function shardStub(env: RingcastEnv, shard: SentAddress): ShardStub {
  const { front = FIRST_FRONT, name, region } = shard;
  const namespace = front === FIRST_FRONT ? env.SHARD : namespaceOfFront(env, front);
  return placed(env, namespace).getByName(
    name,
    region === "auto" ? {} : { locationHint: region as DurableObjectLocationHint },
  );
}

export const channelStub = (env: RingcastEnv, channel: string): ChannelContract =>
  placed(env, env.CHANNEL).getByName(channel);

/** One for each cluster: a Worker is a cluster. */
export const coordinatorStub = (env: RingcastEnv): CoordinatorContract =>
  placed(env, env.COORDINATOR).getByName(COORDINATOR);

const COORDINATOR = "coordinator";

/** Undefined where the cluster is in none. */
const jurisdictions = new WeakMap<object, Jurisdiction | undefined>();

/** The objects of a class where the cluster is: its jurisdiction is part of each address (SPEC EL46). */
function placed<Namespace extends { jurisdiction(name: Jurisdiction): Namespace }>(
  env: RingcastEnv,
  namespace: Namespace,
): Namespace {
  if (!jurisdictions.has(env)) jurisdictions.set(env, configOf(env).cluster.shards.jurisdiction);
  const jurisdiction = jurisdictions.get(env);
  return jurisdiction === undefined ? namespace : namespaceIn(namespace, jurisdiction);
}

/** The coordinator that the cluster would have in another jurisdiction. */
export const coordinatorIn = (
  env: RingcastEnv,
  jurisdiction: Jurisdiction | undefined,
): CoordinatorContract => namespaceIn(env.COORDINATOR, jurisdiction).getByName(COORDINATOR);

/** The object that keeps a channel's log. */
export const homeStub = (env: RingcastEnv, home: ChannelHome): LogContract =>
  home.kind === "coordinator" ? coordinatorStub(env) : channelStub(env, home.channel);

/** How long an ambiguous failure between our objects is retried before the caller hears of it. */
export const CALL_RETRY_MS = 4_000;

/** The runtime marks an error so where the object has too much to do: another call would only add to it. */
export const isOverloaded = (error: unknown): boolean =>
  error instanceof Error && "overloaded" in error && error.overloaded === true;

/**
 * Calls another object until it answers. `call` MUST make a new stub each time and MUST be safe to repeat. An object
 * that the runtime marks `overloaded` is not called again.
 */
export function callAgain<T>(call: () => Promise<T>, forMs: number = CALL_RETRY_MS): Promise<T> {
  return pRetry(call, {
    retries: 20,
    minTimeout: 50,
    maxTimeout: 1_000,
    factor: 2,
    randomize: true,
    maxRetryTime: forMs,
    shouldRetry: ({ error }) => !isOverloaded(error),
  });
}

/** The same, and a call that takes longer than `ms` has failed: an object that never answers keeps nobody waiting. */
export const callAgainWithin = <T>(ms: number, call: () => Promise<T>): Promise<T> =>
  callAgain(() => within(ms, call()));

/** The runtime's error for a call to an object whose release does not have the method yet. */
const LACKS_METHOD = /does not implement (the method )?"/;

/** Makes a call that this release has added; `before` is made in its place where the object is of the release before. */
export async function callNew<T>(call: () => Promise<T>, before: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && LACKS_METHOD.test(error.message)) return before();
    throw error;
  }
}

/** Rejects after `ms`; the call itself goes on, as a call cannot be stopped. */
export async function within<T>(
  ms: number,
  call: Promise<T>,
  late = (): Error => new Error(`no answer within ${ms} ms`),
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([call, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
