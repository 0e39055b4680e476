import { bytesOf } from "../../log/recovery.ts";
import { CALL_BYTES, type LogView, type Publication } from "../../contracts/publication.ts";

type Waiter = {
  readonly after: number;
  readonly use: (view: LogView) => void;
  readonly fail: (error: unknown) => void;
};

/** Publications of one log, in order. The oldest go where there are too many bytes. */
type Meanwhile = {
  readonly logEpoch: string;
  readonly publications: Publication[];
  readonly bytes: number;
  readonly dropped: boolean;
};

const NOTHING: Meanwhile = { logEpoch: "", publications: [], bytes: 0, dropped: false };

type Call = {
  readonly after: number;
  readonly waiters: Waiter[];
  /** They want more of the log than this call asks for. */
  readonly next: Waiter[];
  /** Delivered since the call: the view may be older than these. */
  meanwhile: Meanwhile;
  /** The log was cleared since the call: the view may be of before, and is not remembered. */
  outdated: boolean;
};

export type LookupEffects = {
  readonly view: (after: number) => Promise<LogView>;
  /** Takes a view into the shard's memory. */
  readonly learn: (view: LogView, after: number) => void;
};

/** Asks a channel's log for its newest publications, once for all that want them at the time (SPEC DL6). */
export class Lookup {
  readonly #effects: LookupEffects;
  #call: Call | undefined;

  constructor(effects: LookupEffects) {
    this.#effects = effects;
  }

  /** Publications of a log that were delivered meanwhile. */
  add(logEpoch: string, publications: readonly Publication[]): void {
    const call = this.#call;
    if (call === undefined) return;
    const before = call.meanwhile.logEpoch === logEpoch ? call.meanwhile : { ...NOTHING, publications: [] };
    const known = before.publications;
    known.push(...publications);
    let bytes = before.bytes + bytesOf(publications);
    let drop = 0;
    while (bytes > CALL_BYTES && drop < known.length - 1) bytes -= known[drop++]?.body.length ?? 0;
    known.splice(0, drop);
    call.meanwhile = { logEpoch, publications: known, bytes, dropped: before.dropped || drop > 0 };
  }

  /** The log was cleared. */
  clear(): void {
    if (this.#call !== undefined) this.#call.outdated = true;
  }

  /** Answers with what `use` makes of the view, in the turn in which the view is known: no delivery comes between. */
  ask<Answer>(after: number, use: (view: LogView) => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        after,
        use: (view) => {
          try {
            resolve(use(view));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        },
        fail: reject,
      };
      if (this.#call === undefined) void this.#start([waiter]);
      else if (this.#call.after <= after) this.#call.waiters.push(waiter);
      else this.#call.next.push(waiter);
    });
  }

  async #start(waiters: Waiter[]): Promise<void> {
    const after = Math.min(...waiters.map((waiter) => waiter.after));
    const call: Call = { after, waiters, next: [], meanwhile: NOTHING, outdated: false };
    this.#call = call;
    let view: LogView;
    try {
      view = await this.#effects.view(after);
    } catch (error) {
      this.#call = undefined;
      for (const waiter of [...call.waiters, ...call.next]) waiter.fail(error);
      return;
    }
    this.#call = undefined;
    if (!call.outdated) this.#effects.learn(view, after);
    const complete = extend(view, call.meanwhile);
    for (const waiter of call.waiters) waiter.use(complete);
    if (call.next.length > 0) void this.#start(call.next);
  }
}

/**
 * A view, brought up to date with what was delivered while it was on its way. Where the older part of that is dropped,
 * the view begins with the rest: a client that lacks the older part is told so (SPEC DL3, BD7).
 */
function extend(view: LogView, { logEpoch, publications, dropped }: Meanwhile): LogView {
  const newer = logEpoch === view.logEpoch ? publications.filter(({ offset }) => offset > view.top) : [];
  const [first] = newer;
  const top = newer.at(-1)?.offset ?? view.top;
  if (first?.offset === view.top + 1) return { ...view, top, publications: [...view.publications, ...newer] };
  return first !== undefined && dropped ? { ...view, top, publications: newer } : view;
}
