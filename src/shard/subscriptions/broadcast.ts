import type { Config } from "../../config/config.ts";
import type { Position } from "../../contracts/publication.ts";
import { logError } from "../../platform/logger.ts";
import { parseChannel, type ChannelName } from "../../policy/channels.ts";
import { planTracking } from "../../policy/tracking.ts";
import type { Connections } from "../connections/connections.ts";
import type { Session } from "../connections/session.ts";
import type { Wire } from "../wire.ts";
import type { Joined, Wishes } from "./join.ts";
import type { Start } from "./start.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Between two attempts to reach the coordinator for the sessions that wait: doubling from the first to the last. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;

export type BroadcastParts = {
  readonly config: Config;
  readonly connections: Connections;
  readonly subscriptions: Subscriptions;
  readonly wire: Wire;
};

/**
 * Makes every session hear the broadcast channel (SPEC FO1), whether its home answers or not (SPEC FO4).
 *
 * Where the coordinator is needed and silent, a client is let in all the same. One that resumes is told the position
 * that it states, and is sent what it has missed, in order, before anything newer; a new one is subscribed later. The
 * object stays awake while a session waits.
 */
export class Broadcast {
  readonly #parts: BroadcastParts;
  /** Undefined where the broadcast channel is switched off. */
  readonly #channel: ChannelName | undefined;
  readonly #waiting = new Set<Session>();
  #running = false;

  constructor(parts: BroadcastParts) {
    this.#parts = parts;
    const { broadcast, limits } = parts.config.cluster;
    const parsed = broadcast.enabled ? parseChannel(broadcast.channel, limits.channelBytes) : undefined;
    this.#channel = parsed?.ok === true ? parsed.channel : undefined;
  }

  /** Takes up a session that waited when the object went to sleep. */
  wake(session: Session): void {
    const { attachment } = session;
    if (this.#channel === undefined || attachment.state !== "open") return;
    const subscription = attachment.subscriptions.get(this.#channel.name);
    if (subscription === undefined || subscription.behind !== undefined) this.#await(session);
  }

  /** At connect: `tell` gets the start of the subscription, if there is one yet. `full`: the socket has no room for it. */
  async join(
    session: Session,
    wishes: Wishes,
    tell: (start: Start) => void,
  ): Promise<Extract<Joined, "full"> | undefined> {
    const channel = this.#channel;
    if (channel === undefined) return undefined;
    try {
      return (await this.#join(session, channel, wishes, tell)) === "full" ? "full" : undefined;
    } catch (error) {
      const { id } = session.attachment;
      logError("the broadcast channel's log does not answer", { channel: channel.name, session: id, error });
      const { since } = wishes;
      const start = since === undefined ? undefined : this.#startBehind(session, channel, since);
      if (start === "full") return start;
      if (start !== undefined) tell(start);
      this.#await(session);
      return undefined;
    }
  }

  /** The client is told its own position, and is owed what came after it. */
  #startBehind(session: Session, channel: ChannelName, since: Position): Start | "full" {
    const { config, subscriptions } = this.#parts;
    const subscription = { byServer: true, behind: since } as const;
    if (!subscriptions.remember(session, channel.name, subscription)) return "full";
    const wishes = { recoverable: true, positioned: true, delta: undefined };
    const tracking = planTracking({ config, channel, user: "", ...wishes });
    return { subscription, tracking, position: since, recovery: { kind: "resume", publications: [] }, since };
  }

  #join(
    session: Session,
    channel: ChannelName,
    wishes: Wishes,
    tell: (start: Start) => void,
  ): Promise<Joined> {
    const { attachment } = session;
    if (attachment.state !== "open") return Promise.resolve("gone");
    const request = { channel, user: attachment.user, wishes, subscription: { byServer: true } } as const;
    return this.#parts.subscriptions.join(session, request, tell);
  }

  #await(session: Session): void {
    this.#waiting.add(session);
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    let waitMs = RETRY_FIRST_MS;
    while (this.#waiting.size > 0) {
      await scheduler.wait(waitMs);
      waitMs = Math.min(waitMs * 2, RETRY_LAST_MS);
      await Promise.all(
        [...this.#waiting].map(async (session) => {
          try {
            await this.#catchUp(session);
            this.#waiting.delete(session);
          } catch {
            // The log is still silent, and every session waits for the same answer.
          }
        }),
      );
    }
    this.#running = false;
  }

  async #catchUp(session: Session): Promise<void> {
    const { connections, wire } = this.#parts;
    const { attachment } = session;
    const channel = this.#channel;
    if (channel === undefined || attachment.state !== "open" || session.ended) return;
    const behind = attachment.subscriptions.get(channel.name)?.behind;
    const wishes = behind === undefined ? {} : { since: behind, rejectUnrecovered: true };
    const joined = await this.#join(session, channel, wishes, (start) => {
      // A client that resumed believes itself subscribed.
      const kind = behind === undefined ? "subscribed" : "missed";
      connections.send(session, wire.encodeNotice(session, { kind, channel: channel.name, start }));
    });
    // At its next connect the channel is the first to have room.
    if (joined === "unrecovered" || joined === "full") connections.end(session, "insufficientState");
  }
}
