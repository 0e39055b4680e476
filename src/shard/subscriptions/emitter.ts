import { LIVE_CHANNEL } from "../../contracts/live.ts";
import { logError } from "../../platform/logger.ts";
import type { Connections } from "../connections/connections.ts";
import type { Session } from "../connections/session.ts";
import type { Frames } from "../frame.ts";
import type { Batch, BatchFrames, Wire } from "../wire.ts";
import type { Counters } from "../records/counters.ts";

/** One turn sends about so many bytes: a few thousand small frames, or 64 of 64 KB. */
const SLICE_BYTES = 4_194_304;
/** A send costs some 10 microseconds whatever its length: as much as so many bytes. */
const SEND_BYTES = 512;
const OVER_BUDGET_PAUSE_MS = 20;

/** So much may wait, over all channels: each channel has a batch of 4 MB under way (SPEC BD103). */
const WAITING_BYTES = 33_554_432;

/** The length of frames, in UTF-16 units and bytes. */
const lengthOf = (frames: Frames): number =>
  typeof frames === "string" ? frames.length : frames.reduce((sum, frame) => sum + frame.length, 0);
/** A front may have a frame for each event, and each is a send. */
const sendsOf = (frames: Frames): number => (typeof frames === "string" ? 1 : frames.length);

type Sender = Pick<Connections, "send" | "relieve" | "end">;

/** A batch on its way to the sessions that listened when it came. */
type Emission = {
  readonly channel: string;
  readonly frames: BatchFrames;
  /** The length of its events, in UTF-16 units. */
  readonly bytes: number;
  readonly sessions: readonly Session[];
  next: number;
  readonly onDone: (() => void)[];
};

/** Hands what a channel says to the sessions that listen, as frames of the front. */
export class Emitter {
  readonly #connections: Sender;
  /** As the wire does it, unless the front's service for this shard has its own way. */
  encodeBatch: Wire["encodeBatch"];
  readonly #counters: Counters;
  /** The first is on its way. */
  readonly #emissions: Emission[] = [];
  /** Of all emissions. */
  #waitingBytes = 0;

  constructor(parts: {
    readonly connections: Sender;
    readonly wire: Pick<Wire, "encodeBatch">;
    readonly counters: Counters;
  }) {
    this.#connections = parts.connections;
    this.encodeBatch = (batch) => parts.wire.encodeBatch(batch);
    this.#counters = parts.counters;
  }

  /**
   * Sends a batch to the sessions that listen now, in slices: nothing leaves the object while a turn runs
   * (docs/platform.md P7). Batches go out in the order of the calls, so that none overtakes another (SPEC BD28).
   */
  emit(batch: Batch, listeners: ReadonlySet<Session>): void {
    if (listeners.size === 0) return;
    this.#count(batch, listeners.size, Date.now());
    const { channel, events } = batch;
    const frames = this.encodeBatch(batch);
    const bytes = events.reduce((sum, { body }) => sum + body.length, 0);
    this.#waitingBytes += bytes;
    this.#emissions.push({ channel, frames, bytes, sessions: [...listeners], next: 0, onDone: [] });
    if (this.#emissions.length === 1) this.#run();
  }

  get isIdle(): boolean {
    return this.#emissions.length === 0;
  }

  /** No delivery may be taken in now: its channel keeps it (SPEC BD103). */
  get isFull(): boolean {
    return this.#waitingBytes > WAITING_BYTES;
  }

  /** Resolves when a further batch may be emitted. */
  async room(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => this.#emissions[0]?.onDone.push(resolve));
  }

  /** Resolves when everything that was emitted until now is sent. */
  async sent(): Promise<void> {
    const last = this.#emissions.at(-1);
    if (last !== undefined) await new Promise<void>((resolve) => last.onDone.push(resolve));
  }

  #run(): void {
    const now = Date.now();
    let left = SLICE_BYTES;
    for (let emission = this.#emissions[0]; emission !== undefined; emission = this.#emissions[0]) {
      for (; emission.next < emission.sessions.length; emission.next++) {
        if (left <= 0) return this.#pause(now);
        left -= Math.max(SEND_BYTES, this.#sendOne(emission, emission.sessions[emission.next], now));
      }
      this.#emissions.shift();
      this.#waitingBytes -= emission.bytes;
      for (const done of emission.onDone) done();
    }
  }

  /** Lets the frames leave. Readers that leave too much unread all together get a little time for it. */
  #pause(now: number): void {
    const pauseMs = this.#connections.relieve(now) ? OVER_BUDGET_PAUSE_MS : 0;
    setTimeout(() => {
      if (this.#connections.relieve(Date.now())) this.#pause(Date.now());
      else this.#run();
    }, pauseMs);
  }

  /** Answers with the cost of what is sent, in bytes. */
  #sendOne({ channel, frames }: Emission, session: Session | undefined, now: number): number {
    if (session === undefined || session.ended || session.attachment.state !== "open") return 0;
    const subscription = session.attachment.subscriptions.get(channel);
    if (subscription === undefined) return 0;
    try {
      const wanted = frames.frameFor(session, subscription);
      this.#connections.send(session, wanted, now);
      const length = lengthOf(wanted);
      this.#counters.sentUnits += length;
      return SEND_BYTES * sendsOf(wanted) + length;
    } catch (error) {
      // The session comes back and resumes: what it was not sent is not passed over in silence.
      logError("a publication could not be sent", { channel, session: session.attachment.id, error });
      this.#connections.end(session, "insufficientState");
      return 0;
    }
  }

  /** The live feed does not speak of itself. */
  #count({ channel, events }: Batch, sessions: number, now: number): void {
    if (channel === LIVE_CHANNEL) return;
    const publications = events.filter(({ kind }) => kind !== "join" && kind !== "leave");
    this.#counters.counts.deliveries += publications.length * sessions;
    if (!this.#counters.isWatched || publications.length === 0) return;
    this.#counters.deliver(channel, { publications: publications.length, sessions });
    for (const event of publications)
      if (event.kind === "pub" && event.at !== undefined) this.#counters.sample(now - event.at);
  }
}
