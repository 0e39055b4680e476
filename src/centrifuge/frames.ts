import { forClients, type ClientEvent, type Publication, type Tags } from "../contracts/publication.ts";
import { matches, type TagsFilter } from "../policy/tags-filter.ts";
import type { Session, Subscription } from "../shard/connections/session.ts";
import type { Batch as WholeBatch, BatchFrames } from "../shard/wire.ts";
import { DeltaEncoder, encodeWhole } from "./delta.ts";

/** Clients learn the log epoch at their subscribe. */
type Batch = Omit<WholeBatch, "logEpoch">;

/**
 * The offset of the publication that a session was sent last, for each of its channels with deltas. In memory: after a
 * sleep the next publication is whole.
 */
export class DeltaBases {
  readonly #bySession = new WeakMap<Session, Map<string, number>>();

  of(session: Session): Map<string, number> {
    const known = this.#bySession.get(session);
    if (known !== undefined) return known;
    const bases = new Map<string, number>();
    this.#bySession.set(session, bases);
    return bases;
  }
}

/** A publication that is kept, as JSON text with its offset. */
export const encodeKept = ({ body, offset }: Publication): string =>
  `${forClients(body).slice(0, -1)},"offset":${offset}}`;

/** Encodes batches for sessions whose deltas start from these bases. */
export const batchEncoder =
  (bases: DeltaBases) =>
  (batch: Batch): Frames =>
    new Frames(batch, bases);

/**
 * The frames of a batch. Nearly all listeners get the same text, which is made once; a listener
 * that wants patches, a part of the tags, or begins in the middle gets a frame of its own.
 */
export class Frames implements BatchFrames {
  readonly #batch: Batch;
  readonly #bases: DeltaBases;
  readonly #channelJson: string;
  readonly #firstOffset: number;
  readonly #tags = new Map<ClientEvent, Tags>();
  #lines: readonly string[] | undefined;
  #everything: string | undefined;
  #publications: string | undefined;
  #deltas: DeltaEncoder | undefined;

  constructor(batch: Batch, bases: DeltaBases) {
    this.#batch = batch;
    this.#bases = bases;
    this.#channelJson = JSON.stringify(batch.channel);
    this.#firstOffset = batch.events.find((event) => event.kind === "pub")?.offset ?? Infinity;
  }

  /** One frame, empty where the subscription wants nothing of it. */
  frameFor(session: Session, subscription: Subscription): string {
    const { durable, events } = this.#batch;
    const { delta, filter, joinLeave, since } = subscription;
    const beginsWithin = durable && since !== undefined && since >= this.#firstOffset;
    if ((delta !== true || !durable) && filter === undefined && !beginsWithin) {
      if (joinLeave === true) return (this.#everything ??= this.#join(() => true));
      return (this.#publications ??= this.#join(({ kind }) => kind === "pub" || kind === "passing"));
    }
    const wants = (event: ClientEvent): boolean => {
      if (event.kind === "join" || event.kind === "leave") return joinLeave === true;
      if (event.kind === "pub" && beginsWithin && event.offset <= since) return false;
      return this.#passes(event, filter);
    };
    if (delta !== true || !durable) return this.#join(wants);
    const bases = this.#bases.of(session);
    return events
      .filter(wants)
      .map((event) => this.#lineWithDelta(event, bases))
      .join("\n");
  }

  /** The publications that a resumed subscription has missed, as JSON text each; with delta, the first one is whole. */
  missedBy(session: Session, subscription: Subscription): string[] {
    const missed = this.#batch.events.filter(
      (event): event is Publication => event.kind === "pub" && this.#passes(event, subscription.filter),
    );
    if (subscription.delta !== true) return missed.map(encodeKept);
    const bases = this.#bases.of(session);
    bases.delete(this.#batch.channel);
    return missed.map((publication) => this.#patch(publication, bases));
  }

  #join(wants: (event: ClientEvent) => boolean): string {
    this.#lines ??= this.#batch.events.map((event) => this.#encode(event));
    return this.#lines.filter((_, n) => wants(this.#batch.events[n] as ClientEvent)).join("\n");
  }

  /** One line of a frame. */
  #encode(event: ClientEvent): string {
    const field = event.kind === "passing" ? "pub" : event.kind;
    const text = event.kind === "pub" && this.#batch.durable ? encodeKept(event) : forClients(event.body);
    return `{"push":{"channel":${this.#channelJson},"${field}":${text}}}`;
  }

  #passes(event: ClientEvent, filter: TagsFilter | undefined): boolean {
    if (filter === undefined) return true;
    let tags = this.#tags.get(event);
    if (tags === undefined) {
      tags = (JSON.parse(event.body) as { tags?: Tags }).tags ?? {};
      this.#tags.set(event, tags);
    }
    return matches(filter, tags);
  }

  #lineWithDelta(event: ClientEvent, bases: Map<string, number>): string {
    if (event.kind === "join" || event.kind === "leave") return this.#encode(event);
    let publication: string;
    if (event.kind === "pub") publication = this.#patch(event, bases);
    else {
      publication = encodeWhole(event.body);
      // The client takes it for the base of the next patch, and no log has it.
      bases.delete(this.#batch.channel);
    }
    return `{"push":{"channel":${this.#channelJson},"pub":${publication}}}`;
  }

  #patch(publication: Publication, bases: Map<string, number>): string {
    const { channel, events, previous } = this.#batch;
    this.#deltas ??= new DeltaEncoder(
      events.filter((event) => event.kind === "pub"),
      previous,
    );
    const text = this.#deltas.encode(publication.offset, bases.get(channel));
    bases.set(channel, publication.offset);
    return text;
  }
}
