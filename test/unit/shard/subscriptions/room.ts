import type { HistoryResult, Registration } from "../../../../src/contracts/log.ts";
import type { Delivery } from "../../../../src/contracts/orders.ts";
import type { ClientEvent, LogView, Position, Publication } from "../../../../src/contracts/publication.ts";
import type { Batch } from "../../../../src/shard/wire.ts";
import { Channels } from "../../../../src/shard/subscriptions/channels.ts";
import type { Beginning, Resume } from "../../../../src/shard/subscriptions/resume.ts";
import { E } from "./epochs.ts";

const LIMITS = { recoveryMaxPublications: 300, resumeBytes: 1_000, tailBytes: 1_000 };

type Call<Answer> = { readonly answer: (value: Answer) => void; readonly fail: (error: Error) => void };

/** A page of the room's log. */
export const page = (top: number, publications: readonly Publication[]): HistoryResult => ({
  logEpoch: E,
  top,
  publications,
  refused: null,
});

/** Channels whose logs answer when the test says so, and that keep what each listener is sent. A listener is a name. */
export class Shard {
  readonly registers: ({ channel: string; listening: unknown } & Call<Registration | null>)[] = [];
  readonly views: ({ after: number } & Call<LogView>)[] = [];
  readonly pages: ({ since: Position } & Call<HistoryResult>)[] = [];
  readonly batches: Batch[] = [];
  readonly gaveUp: string[] = [];
  /** How often a position is said to have changed. */
  touches = 0;
  readonly #heard = new Map<string, ClientEvent[]>();
  readonly channels: Channels<string>;
  /** Resolves when the emitter takes a further batch. */
  room = Promise.resolve();

  constructor({ limits = LIMITS, pinned }: { limits?: typeof LIMITS; pinned?: string } = {}) {
    this.channels = new Channels<string>(
      limits,
      {
        register: (channel, listening) =>
          new Promise((answer, fail) => void this.registers.push({ channel, listening, answer, fail })),
        view: (_channel, after) =>
          new Promise((answer, fail) => void this.views.push({ after, answer, fail })),
        page: (_channel, since) =>
          new Promise((answer, fail) => void this.pages.push({ since, answer, fail })),
        giveUp: (channel, listeners) => this.gaveUp.push(`${channel}: ${listeners.join(" ")}`),
        positions: { touch: () => void (this.touches += 1) },
        emitter: {
          room: () => this.room,
          emit: (batch, listeners) => {
            this.batches.push(batch);
            for (const listener of listeners)
              this.#heard.set(listener, [...(this.#heard.get(listener) ?? []), ...batch.events]);
          },
        },
      },
      pinned,
    );
  }

  /** Listens to the room; answers with the beginning, or null where the listener did not want it. */
  async listen(
    listener: string,
    {
      resume = null,
      wantsPrevious = false,
      begin = () => true,
    }: { resume?: Resume | null; wantsPrevious?: boolean; begin?: (beginning: Beginning) => boolean } = {},
  ): Promise<Beginning | null> {
    let begun: Beginning | null = null;
    await this.channels.listen("room", { listener, resume, wantsPrevious }, (beginning) => {
      if (!begin(beginning)) return false;
      begun = beginning;
      return true;
    });
    return begun;
  }

  /** A shard that has heard of the room's first three publications, with these listeners. */
  static async listening(listeners: readonly string[], registration = REGISTERED): Promise<Shard> {
    const shard = new Shard();
    const joins = listeners.map((listener) => shard.listen(listener));
    shard.registers[0]?.answer(registration);
    await Promise.all(joins);
    return shard;
  }

  heard(listener: string): string[] {
    return (this.#heard.get(listener) ?? []).map(({ body }) => body);
  }

  /** Applies what the room sends, as its Channel sends it. */
  deliver(entries: Publication[], fields: Partial<Delivery> = {}) {
    return this.channels.deliver(delivery(entries, fields));
  }
}

export const pub = (offset: number): Publication => ({ kind: "pub", offset, body: `p${offset}` });
export const range = (from: number, to: number): Publication[] =>
  Array.from({ length: to - from + 1 }, (_, n) => pub(from + n));
/** `since` is what comes before the first publication. */
export const delivery = (entries: Publication[], fields: Partial<Delivery> = {}): Delivery => ({
  channel: "room",
  registration: 1,
  logEpoch: E,
  durable: true,
  since: (entries[0]?.offset ?? 1) - 1,
  mayRepeat: false,
  entries,
  ...fields,
});
export const REGISTERED: Registration = { number: 1, logEpoch: E, offset: 3, durable: true };
export const POSITION = { logEpoch: E, offset: 3 };
export const turn = () => new Promise((resolve) => setImmediate(resolve));
export const since = (offset: number): Resume => ({ since: { logEpoch: E, offset }, mode: "stream" });
