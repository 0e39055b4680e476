import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";

const FETCH_TIMEOUT_MS = 5_000;
/** A fetched set serves for this long. */
const MAX_AGE_MS = 600_000;
/** And for this long where no newer one can be had: an outage at its address keeps nobody out. */
const MAX_AGE_IN_OUTAGE_MS = 3_600_000;
/** An unknown key is looked up again at most this often, and a fetch that failed is repeated at most this often. */
const UNKNOWN_KEY_PAUSE_MS = 30_000;
const FAILURE_PAUSE_MS = 5_000;
const POLL_MS = 20;

type Fetched = { readonly keys: JWTVerifyGetKey; readonly at: number };

/**
 * The keys at an address (JWKS), with at most one fetch in flight and a pause after each fetch (SPEC AU13).
 *
 * A request of a Worker MUST NOT await a promise of another request (docs/platform.md P27), so a request that finds a
 * fetch in flight looks at its result again and again. Throws an error of jose where the set has no such key, and any
 * other error where the set cannot be had.
 */
export function remoteKeys(url: string): JWTVerifyGetKey {
  let fetched: Fetched | undefined;
  let fetchingSince: number | undefined;
  let failedAt: number | undefined;

  const isFetching = (): boolean =>
    // A request that was cut off never says that its fetch has ended.
    fetchingSince !== undefined && Date.now() - fetchingSince <= FETCH_TIMEOUT_MS;

  const load = async (): Promise<void> => {
    const before = fetched;
    if (isFetching()) {
      while (isFetching()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (fetched === before) throw new errors.JWKSTimeout();
      return;
    }
    if (failedAt !== undefined && Date.now() - failedAt < FAILURE_PAUSE_MS)
      throw new Error("the fetch before has failed");
    fetchingSince = Date.now();
    try {
      fetched = { keys: createLocalJWKSet(await fetchSet(url)), at: Date.now() };
      failedAt = undefined;
    } catch (error) {
      failedAt = Date.now();
      throw error;
    } finally {
      fetchingSince = undefined;
    }
  };

  const isYounger = (ms: number): boolean => fetched !== undefined && Date.now() - fetched.at < ms;

  /** Nobody waits for another's fetch while the set at hand may serve. */
  const renew = async (): Promise<void> => {
    if (isFetching() && isYounger(MAX_AGE_IN_OUTAGE_MS)) return;
    try {
      await load();
    } catch (error) {
      if (!isYounger(MAX_AGE_IN_OUTAGE_MS)) throw error;
    }
  };

  return async (header, token) => {
    if (!isYounger(MAX_AGE_MS)) await renew();
    const first = fetched;
    if (first === undefined) throw new errors.JWKSTimeout();
    try {
      return await first.keys(header, token);
    } catch (error) {
      const isNew = error instanceof errors.JWKSNoMatchingKey;
      if (!isNew || Date.now() - first.at < UNKNOWN_KEY_PAUSE_MS) throw error;
      if (fetched === first) await load();
      return (fetched ?? first).keys(header, token);
    }
  };
}

async function fetchSet(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: "application/json, application/jwk-set+json" },
    redirect: "manual",
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  if (response.status !== 200) throw new Error(`${url} has answered ${response.status}`);
  return response.json();
}
