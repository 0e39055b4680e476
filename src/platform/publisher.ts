import type { PublishRequest, PublishResult } from "../contracts/log.ts";
import { MAX_BODY_BYTES } from "../contracts/publication.ts";
import { CONTRACT } from "../contracts/version.ts";
import { CALL_RETRY_MS, callNew, channelStub, isOverloaded, within } from "./calls.ts";

/**
 * `full`: too many publications wait already; `tooLarge`: this one is longer than one may be, also in a channel that keeps
 * none. Nothing was sent in either case.
 */
export type Published =
  | PublishResult
  | { readonly offset: 0; readonly logEpoch: ""; readonly refused: "full" | "tooLarge" };

/** Brings publications to a channel; answers each of them in the same order. MUST be safe to repeat (SPEC LG4). */
export type PublishAll = (
  channel: string,
  publications: readonly PublishRequest[],
) => Promise<readonly PublishResult[]>;

/** The most in one call. A larger publication goes alone. */
const BATCH = { count: 256, chars: 1_048_576 };
/** The most that waits, for all channels together. */
const WAITING = { count: 8_192, chars: 16 * 1_048_576 };
/** To how many channels one request may publish the same text of so many characters, at least one. */
export const mostChannels = (chars: number): number =>
  Math.max(1, Math.min(WAITING.count, Math.floor(WAITING.chars / chars)));
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

type Entry = {
  readonly publication: PublishRequest;
  /** No try begins later. */
  readonly until: number;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * The way of publications to their channels: one call in flight for each channel, in order; what comes meanwhile goes
 * in the next call (SPEC EL20).
 *
 * A call that throws leaves open what it has stored, so its publications go again, each under its own id, for 4 s after
 * they came (SPEC EL22). A Worker MUST make one for each request, as requests share no promises.
 */
export class Publisher {
  readonly #publishAll: PublishAll;
  readonly #timeoutMs: number;
  readonly #lanes = new Map<string, Entry[]>();
  #count = 0;
  #chars = 0;

  /** `timeoutMs`: a call that takes longer has failed. */
  constructor(publishAll: PublishAll, { timeoutMs }: { readonly timeoutMs: number }) {
    this.#publishAll = publishAll;
    this.#timeoutMs = timeoutMs;
  }

  /** Answers when the channel has the publication. Rejects where the channel has not answered, or is overloaded. */
  publish(channel: string, publication: PublishRequest): Promise<Published> {
    // A call that cannot be made is made again for seconds, and others would wait for it.
    if (publication.body.length > MAX_BODY_BYTES)
      return Promise.resolve({ offset: 0, logEpoch: "", refused: "tooLarge" });
    const chars = publication.body.length;
    if (this.#count >= WAITING.count || this.#chars + chars > WAITING.chars)
      return Promise.resolve({ offset: 0, logEpoch: "", refused: "full" });
    this.#count += 1;
    this.#chars += chars;
    const answered = new Promise<Published>((resolve, reject) => {
      const entry = { publication, until: Date.now() + CALL_RETRY_MS, resolve, reject };
      const lane = this.#lanes.get(channel);
      if (lane !== undefined) {
        lane.push(entry);
        return;
      }
      const begun = [entry];
      this.#lanes.set(channel, begun);
      void this.#run(channel, begun);
    });
    return answered.finally(() => {
      this.#count -= 1;
      this.#chars -= chars;
    });
  }

  async #run(channel: string, lane: Entry[]): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (lane.length > 0) {
      const batch = lane.slice(0, sizeOfBatch(lane));
      let failure: unknown;
      try {
        const awaitedUntil = Date.now() + this.#timeoutMs;
        const publications = batch.map(({ publication }) => ({ ...publication, awaitedUntil }));
        const results = await within(this.#timeoutMs, this.#publishAll(channel, publications));
        lane.splice(0, batch.length);
        for (const [n, { resolve, reject }] of batch.entries()) {
          const result = results[n];
          if (result === undefined) reject(new Error("the channel has answered fewer publications"));
          else resolve(result);
        }
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        failure = error;
        if (isOverloaded(error)) for (const { reject } of lane.splice(0, batch.length)) reject(error);
        else {
          const leftMs = Math.max(0, (batch[0]?.until ?? 0) - Date.now());
          await scheduler.wait(Math.min(pauseMs * (1 + Math.random()), leftMs));
          pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
        }
      }
      giveUp(lane, failure);
    }
    // In the turn that found nothing to send, so that the next publication begins a lane.
    this.#lanes.delete(channel);
  }
}

/** How many entries the next call takes, at least one. */
function sizeOfBatch(lane: readonly Entry[]): number {
  let chars = 0;
  const end = lane.findIndex(
    ({ publication }, n) => n === BATCH.count || ((chars += publication.body.length) > BATCH.chars && n > 0),
  );
  return end === -1 ? lane.length : end;
}

/** Rejects the entries whose time has passed. They are the oldest, as the lane is in the order of arrival. */
function giveUp(lane: Entry[], failure: unknown): void {
  const now = Date.now();
  const kept = lane.findIndex(({ until }) => until > now);
  for (const { reject } of lane.splice(0, kept === -1 ? lane.length : kept))
    reject(failure ?? new Error("the channel was too slow for the publications that wait"));
}

/** The publisher of a shard, or of one request. */
export const channelPublisher = (env: RingcastEnv, timeoutMs: number): Publisher =>
  new Publisher((channel, publications) => publishTo(env, channel, publications), { timeoutMs });

/** A channel of release 0.2.0 takes publications one by one: the calls of one stub arrive in order. */
async function publishTo(
  env: RingcastEnv,
  channel: string,
  publications: readonly PublishRequest[],
): Promise<readonly PublishResult[]> {
  const [first] = publications;
  if (first !== undefined && publications.length === 1)
    return [await channelStub(env, channel).publish(first, CONTRACT)];
  return callNew(
    () => channelStub(env, channel).publishAll(publications, CONTRACT),
    () => {
      const stub = channelStub(env, channel);
      return Promise.all(publications.map((publication) => stub.publish(publication, CONTRACT)));
    },
  );
}
