import type { Config } from "../../config/config.ts";
import { addressKey, type ShardAddress } from "../../contracts/address.ts";
import {
  describeClient,
  encodePresenceEvent,
  type ClientInfo,
  type Present,
} from "../../contracts/publication.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callAgain, channelStub } from "../../platform/calls.ts";
import { namespaceOf, parseChannel } from "../../policy/channels.ts";
import { isOperators, type Session } from "../connections/session.ts";
import { Announcer } from "./announcer.ts";

export type PresenceParts = {
  readonly env: Cloudflare.Env;
  readonly config: Config;
  readonly shard: ShardAddress;
  /** The sessions that listen to a channel here. */
  readonly listenersOf: (channel: string) => Iterable<Session>;
};

/** `held`: the leave of a move; see `PresenceEvent`. */
export type Announcement = {
  readonly kind: "join" | "leave";
  readonly session: Session;
  readonly channel: string;
  readonly held?: boolean;
};

/** The clients of a channel: told to it when they join and leave, and listed when a client or a back end asks. */
export class Presence {
  readonly #parts: PresenceParts;
  readonly #announcer: Announcer;
  /** The answers of other shards, each asked for once for all that ask within `presenceCacheMs`. */
  readonly #elsewhere = new Map<string, { readonly at: number; readonly answer: Promise<Present[]> }>();

  constructor(parts: PresenceParts) {
    const { env, config } = parts;
    this.#parts = parts;
    this.#announcer = new Announcer(config.cluster.times.joinLeaveBatchMs, (channel, events) =>
      callAgain(() => channelStub(env, channel).announce(events, CONTRACT)),
    );
  }

  /** Tells a channel that a session has joined or left, where its namespace wants that. */
  announce({ kind, session, channel, held = false }: Announcement): void {
    const { config } = this.#parts;
    if (isOperators(session)) return;
    const parsed = parseChannel(channel, config.cluster.limits.channelBytes);
    if (!parsed.ok || namespaceOf(config, parsed.channel)?.join_leave !== true) return;
    const info = infoOf(session, channel);
    this.#announcer.announce(channel, { kind, user: info.user, body: encodePresenceEvent(info), held });
  }

  /** The clients that listen to a channel through this shard. */
  here(channel: string): Present[] {
    return [...this.#parts.listenersOf(channel)].flatMap((session) => {
      if (isOperators(session)) return [];
      const info = infoOf(session, channel);
      return { client: info.client, user: info.user, info: JSON.stringify(info) };
    });
  }

  /** The clients of a channel: our own as of now, those of other shards at most `presenceCacheMs` old. */
  async everywhere(channel: string): Promise<ReadonlyMap<string, Present>> {
    const elsewhere = await this.#askElsewhere(channel);
    return new Map([...elsewhere, ...this.here(channel)].map((present) => [present.client, present]));
  }

  #askElsewhere(channel: string): Promise<Present[]> {
    const { env, config, shard } = this.#parts;
    const maxAgeMs = config.cluster.times.presenceCacheMs;
    const now = Date.now();
    const known = this.#elsewhere.get(channel);
    if (known !== undefined && now - known.at < maxAgeMs) return known.answer;
    for (const [name, { at }] of this.#elsewhere) if (now - at >= maxAgeMs) this.#elsewhere.delete(name);
    const answer = callAgain(() => channelStub(env, channel).presence(addressKey(shard), CONTRACT));
    this.#elsewhere.set(channel, { at: now, answer });
    answer.catch(() => this.#elsewhere.delete(channel));
    return answer;
  }
}

/** A session as the other clients of a channel see it. */
export function infoOf({ attachment }: Session, channel: string): ClientInfo {
  if (attachment.state !== "open") return describeClient({ id: attachment.id, user: "" });
  const { id, user, connInfo, subscriptions } = attachment;
  return describeClient({ id, user, connInfo, chanInfo: subscriptions.get(channel)?.chanInfo });
}
