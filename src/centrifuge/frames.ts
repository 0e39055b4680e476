import type { PubEntry, Said } from "../contracts/delivery.ts";
import { encodeEntry, encodePush } from "./push.ts";
import { matches, type Tags, type TagsFilter } from "../policy/tags-filter.ts";
import { DeltaEncoder, encodeWhole } from "./delta.ts";
import type { Subscription } from "../shard/connections/session.ts";

/** Offsets of the publications that a session was sent last, by channel. */
type DeltaBases = Map<string, number>;

/**
 * What a channel says, as frames for its listeners. Nearly all of them get the same text, which is made once; only who
 * wants patches, a part of the tags, or begins in the middle gets a frame of its own.
 */
export class Emission {
  readonly #channel: string;
  readonly #channelJson: string;
  readonly #entries: readonly Said[];
  readonly #durable: boolean;
  readonly #before: PubEntry | undefined;
  readonly #firstOffset: number;
  readonly #tags = new Map<Said, Tags>();
  #lines: readonly string[] | undefined;
  #everything: string | undefined;
  #publications: string | undefined;
  #deltas: DeltaEncoder | undefined;

  /** `before`: the publication before the first one, where it is known. */
  constructor(
    channel: string,
    said: {
      readonly entries: readonly Said[];
      readonly durable: boolean;
      readonly before?: PubEntry | undefined;
    },
  ) {
    this.#channel = channel;
    this.#channelJson = JSON.stringify(channel);
    this.#entries = said.entries;
    this.#durable = said.durable;
    this.#before = said.before;
    this.#firstOffset = said.entries.find((entry) => entry.kind === "pub")?.offset ?? Infinity;
  }

  /** One frame, empty where the subscription wants nothing of it. */
  frameFor(subscription: Subscription, bases: DeltaBases): string {
    const { delta, filter, joinLeave, since } = subscription;
    const begins = this.#durable && since !== undefined && since >= this.#firstOffset;
    if ((delta !== true || !this.#durable) && filter === undefined && !begins) {
      if (joinLeave === true) return (this.#everything ??= this.#join(() => true));
      return (this.#publications ??= this.#join(({ kind }) => kind === "pub" || kind === "passing"));
    }
    const wants = (entry: Said): boolean => {
      if (entry.kind === "join" || entry.kind === "leave") return joinLeave === true;
      if (entry.kind === "pub" && begins && entry.offset <= since) return false;
      return this.#passes(entry, filter);
    };
    if (delta !== true || !this.#durable) return this.#join(wants);
    return this.#entries
      .filter(wants)
      .map((entry) => this.#lineWithDelta(entry, bases))
      .join("\n");
  }

  /** What a subscription that resumes has missed, as the JSON text of each; with delta, the first one is whole. */
  missedBy(subscription: Subscription, bases: DeltaBases): string[] {
    const owed = this.#entries.filter(
      (entry): entry is PubEntry => entry.kind === "pub" && this.#passes(entry, subscription.filter),
    );
    if (subscription.delta !== true) return owed.map((entry) => encodeEntry(entry, true));
    bases.delete(this.#channel);
    return owed.map((entry) => this.#patch(entry, bases));
  }

  #join(wants: (entry: Said) => boolean): string {
    this.#lines ??= this.#entries.map((entry) => encodePush(this.#channelJson, entry, this.#durable));
    return this.#lines.filter((_, n) => wants(this.#entries[n] as Said)).join("\n");
  }

  #passes(entry: Said, filter: TagsFilter | undefined): boolean {
    if (filter === undefined) return true;
    let tags = this.#tags.get(entry);
    if (tags === undefined) {
      tags = (JSON.parse(entry.body) as { tags?: Tags }).tags ?? {};
      this.#tags.set(entry, tags);
    }
    return matches(filter, tags);
  }

  #lineWithDelta(entry: Said, bases: DeltaBases): string {
    if (entry.kind === "join" || entry.kind === "leave") return encodePush(this.#channelJson, entry, true);
    let publication: string;
    if (entry.kind === "pub") publication = this.#patch(entry, bases);
    else {
      publication = encodeWhole(entry.body);
      // The client takes it for the base of the next patch, and nobody else has it.
      bases.delete(this.#channel);
    }
    return `{"push":{"channel":${this.#channelJson},"pub":${publication}}}`;
  }

  #patch(entry: PubEntry, bases: DeltaBases): string {
    this.#deltas ??= new DeltaEncoder(
      this.#entries.filter((one) => one.kind === "pub"),
      this.#before,
    );
    const text = this.#deltas.encode(entry.offset, bases.get(this.#channel));
    bases.set(this.#channel, entry.offset);
    return text;
  }
}
