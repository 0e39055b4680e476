import type { Config } from "../../config/config.ts";
import { addressKey, type ShardAddress } from "../../contracts/address.ts";
import { distinctUsers, mergeUsers, numberOfUsers } from "../../contracts/distinct-users.ts";
import {
  bytesOfPresent,
  countPresence,
  limitPresence,
  RELEASE_BEFORE_LIMIT,
  type PresenceCount,
  type PresenceLimit,
  type PresenceList,
} from "../../contracts/presence.ts";
import {
  describeClient,
  encodePresenceEvent,
  type ClientInfo,
  type Present,
} from "../../contracts/publication.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callAgain, callAgainWithin, callNew, channelStub, within } from "../../platform/calls.ts";
import { namespaceOf, parseChannel } from "../../policy/channels.ts";
import { isOperators, type Session } from "../connections/session.ts";
import { Announcer } from "./announcer.ts";
import { SharedAnswers } from "./shared-answers.ts";

export type PresenceParts = {
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly shard: ShardAddress;
  /** See `Front.describe`. */
  readonly describe: ((session: Session) => ClientInfo | undefined) | undefined;
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
  /** The clients of other shards. */
  readonly #lists: SharedAnswers<PresenceList>;
  readonly #counts: SharedAnswers<PresenceCount>;

  constructor(parts: PresenceParts) {
    const { env, config } = parts;
    this.#parts = parts;
    const { joinLeaveBatchMs, deliveryTimeoutMs, presenceCacheMs } = config.cluster.times;
    this.#lists = new SharedAnswers(presenceCacheMs, bytesOfList);
    this.#counts = new SharedAnswers(presenceCacheMs, bytesOfCount);
    this.#announcer = new Announcer(joinLeaveBatchMs, (channel, events) => {
      const call = crypto.randomUUID();
      let again = false;
      const tell = async (): Promise<void> => {
        const sent = events.map((event) => ({ ...event, call, again }));
        again = true;
        await channelStub(env, channel).announce(sent, CONTRACT);
      };
      return within(deliveryTimeoutMs, callAgain(tell));
    });
  }

  /** Tells a channel that a session has joined or left, where its namespace wants that. */
  announce({ kind, session, channel, held = false }: Announcement): void {
    const { config } = this.#parts;
    if (isOperators(session)) return;
    const parsed = parseChannel(channel, config.cluster.limits.channelBytes);
    if (!parsed.ok || namespaceOf(config, parsed.channel)?.join_leave !== true) return;
    const info = this.#infoOf(session, channel);
    const { user, client } = info;
    this.#announcer.announce(channel, { kind, user, body: encodePresenceEvent(info), held, client });
  }

  /** The clients that listen to a channel through this shard; for release 0.2.0. */
  here(channel: string): Present[] {
    const list = this.upTo(channel, RELEASE_BEFORE_LIMIT);
    if (list.kind === "tooLarge") throw new Error("the channel has more clients than a call can list");
    return [...list.present];
  }

  /** The clients that listen to a channel through this shard, if they are within a limit. */
  upTo(channel: string, limit: PresenceLimit): PresenceList {
    const present: Present[] = [];
    let bytes = 0;
    for (const session of this.#parts.listenersOf(channel)) {
      if (isOperators(session)) continue;
      const info = this.#infoOf(session, channel);
      const one = { client: info.client, user: info.user, info: JSON.stringify(info) };
      bytes += bytesOfPresent(one);
      if (present.length === limit.clients || bytes > limit.bytes) return { kind: "tooLarge" };
      present.push(one);
    }
    return { kind: "present", present };
  }

  /** How many clients listen to a channel through this shard, and which users they have. */
  count(channel: string): PresenceCount {
    const users: string[] = [];
    for (const session of this.#parts.listenersOf(channel)) {
      if (!isOperators(session)) users.push(this.#infoOf(session, channel).user);
    }
    return { clients: users.length, users: distinctUsers(users) };
  }

  /**
   * The clients of a channel: our own as of now, those of other shards at most `presenceCacheMs` old. Rejects where the
   * channel does not answer in time (SPEC BD101).
   */
  async everywhere(channel: string): Promise<PresenceList> {
    const { presenceClients: clients, presenceBytes: bytes } = this.#parts.config.cluster.limits;
    const limit = { clients, bytes };
    const elsewhere = await this.#askElsewhere(channel, limit);
    const here = this.upTo(channel, limit);
    if (elsewhere.kind === "tooLarge" || here.kind === "tooLarge") return { kind: "tooLarge" };
    const all = new Map([...elsewhere.present, ...here.present].map((present) => [present.client, present]));
    return limitPresence([...all.values()], limit);
  }

  /** How many they are, and how many users they have. */
  async countEverywhere(channel: string): Promise<{ readonly clients: number; readonly users: number }> {
    const elsewhere = await this.#countElsewhere(channel);
    const here = this.count(channel);
    return {
      clients: elsewhere.clients + here.clients,
      users: numberOfUsers(mergeUsers(elsewhere.users, here.users)),
    };
  }

  #infoOf(session: Session, channel: string): ClientInfo {
    return this.#parts.describe?.(session) ?? infoOf(session, channel);
  }

  #askElsewhere(channel: string, limit: PresenceLimit): Promise<PresenceList> {
    const { env, config, shard } = this.#parts;
    const except = addressKey(shard);
    return this.#lists.ask(channel, Date.now(), () =>
      callAgainWithin(config.cluster.times.deliveryTimeoutMs, () =>
        callNew(
          () => channelStub(env, channel).presenceUpTo(except, limit, CONTRACT),
          async () => limitPresence(await channelStub(env, channel).presence(except, CONTRACT), limit),
        ),
      ),
    );
  }

  #countElsewhere(channel: string): Promise<PresenceCount> {
    const { env, config, shard } = this.#parts;
    const except = addressKey(shard);
    return this.#counts.ask(channel, Date.now(), () =>
      callAgainWithin(config.cluster.times.deliveryTimeoutMs, () =>
        callNew(
          () => channelStub(env, channel).presenceCount(except, CONTRACT),
          async () => countPresence(await channelStub(env, channel).presence(except, CONTRACT)),
        ),
      ),
    );
  }
}

const bytesOfList = (list: PresenceList): number =>
  list.kind === "tooLarge" ? 0 : list.present.reduce((sum, one) => sum + bytesOfPresent(one), 0);

/** A number, or a register, has eight bytes at most. */
const bytesOfCount = ({ users }: PresenceCount): number =>
  users.kind === "exact" ? users.hashes.length * 8 : users.registers.byteLength;

/** A session as the other clients of a channel see it. */
function infoOf({ attachment }: Session, channel: string): ClientInfo {
  if (attachment.state !== "open") return describeClient({ id: attachment.id, user: "" });
  const { id, user, connInfo, subscriptions } = attachment;
  return describeClient({ id, user, connInfo, chanInfo: subscriptions.get(channel)?.chanInfo });
}
