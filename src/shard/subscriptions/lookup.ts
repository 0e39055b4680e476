import type { LogView, Publication } from "../../contracts/publication.ts";

type Waiter = {
  readonly after: number;
  readonly use: (view: LogView) => void;
  readonly fail: (error: unknown) => void;
};

type Call = {
  readonly after: number;
  readonly waiters: Waiter[];
  /** They want more of the log than this call asks for. */
  readonly next: Waiter[];
  /** Delivered since the call: the view may be older than these. */
  readonly meanwhile: Publication[];
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

  /** Publications that were delivered meanwhile. */
  add(publications: readonly Publication[]): void {
    this.#call?.meanwhile.push(...publications);
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
    const call: Call = { after, waiters, next: [], meanwhile: [], outdated: false };
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

/** A view, brought up to date with what was delivered while it was on its way. */
function extend(view: LogView, meanwhile: readonly Publication[]): LogView {
  const publications = [...view.publications];
  let { top } = view;
  for (const publication of meanwhile) {
    if (publication.offset !== top + 1) continue;
    publications.push(publication);
    top = publication.offset;
  }
  return { logEpoch: view.logEpoch, top, publications };
}
