import { parseChannel } from "../../policy/channel-name.ts";
import { encodePublicationPush, encodeSubscribePush } from "../../centrifuge/push.ts";
import type { SubscribeResult } from "../../centrifuge/reply.ts";
import type { Clients } from "../clients.ts";
import { join, type Wishes } from "./join.ts";
import type { Behind, Session } from "../connections/session.ts";

/** Between two attempts to reach the coordinator for those who wait: doubling from the first to the last. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;

/**
 * Makes every session hear the broadcast channel (SPEC FO1), whether its home answers or not (SPEC FO4).
 *
 * Where the coordinator is needed and silent, a client is let in all the same. One that resumes is told that it is
 * where it says it is, and is sent what it has missed, in order, before anything newer; a new one is subscribed
 * later. The object stays awake while somebody waits.
 */
export class Broadcast {
  readonly #clients: Clients;
  readonly #waiting = new Set<Session>();
  #running = false;

  constructor(clients: Clients) {
    this.#clients = clients;
  }

  get #channel(): string | undefined {
    const { broadcast } = this.#clients.config.cluster;
    return broadcast.enabled ? broadcast.channel : undefined;
  }

  /** Takes up who waited when the object went to sleep. */
  wake(session: Session): void {
    const { attachment } = session;
    if (this.#channel === undefined || attachment.state !== "open") return;
    const subscription = attachment.subscriptions.get(this.#channel);
    if (subscription === undefined || subscription.behind !== undefined) this.#await(session);
  }

  /** At connect: `answer` gets the subscription's result, if there is one yet. */
  async join(
    session: Session,
    wishes: Wishes,
    answer: (channel: string, result: SubscribeResult, missed: readonly string[]) => void,
  ): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined) return;
    try {
      await this.#join(session, wishes, (result, missed) => answer(channel, result, missed));
    } catch (error) {
      console.error("the broadcast channel's log does not answer", error);
      if (wishes.recover === true) {
        const behind = { offset: wishes.offset ?? 0, logEpoch: wishes.epoch ?? "" };
        this.#clients.rememberSubscription(session, channel, { byServer: true, behind });
        answer(channel, ownPosition(behind), []);
      }
      this.#await(session);
    }
  }

  async #join(
    session: Session,
    wishes: Wishes,
    answer: (result: SubscribeResult, missed: readonly string[]) => void,
  ): Promise<"joined" | "gone" | "full" | "unrecovered"> {
    const { attachment } = session;
    const parsed = parseChannel(this.#channel ?? "", this.#clients.config.cluster.limits.channelBytes);
    if (attachment.state !== "open" || !parsed.ok) return "gone";
    const to = {
      channel: parsed.channel,
      user: attachment.user,
      wishes,
      subscription: { byServer: true as const },
    };
    return join(this.#clients, session, to, answer, {});
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
            // The log is still silent, and everybody waits for the same answer.
          }
        }),
      );
    }
    this.#running = false;
  }

  async #catchUp(session: Session): Promise<void> {
    const { attachment } = session;
    const channel = this.#channel;
    if (channel === undefined || attachment.state !== "open" || !this.#clients.sessions.has(session)) return;
    const behind = attachment.subscriptions.get(channel)?.behind;
    const wishes =
      behind === undefined
        ? {}
        : { recover: true, rejectUnrecovered: true, offset: behind.offset, epoch: behind.logEpoch };
    const outcome = await this.#join(session, wishes, (result, missed) => {
      const publications = missed.map((publication) => encodePublicationPush(channel, publication));
      // Who resumed believes itself subscribed.
      const subscribed = behind === undefined ? [encodeSubscribePush(channel, JSON.stringify(result))] : [];
      this.#clients.send(session, [...subscribed, ...publications].join("\n"));
    });
    if (outcome === "unrecovered") this.#clients.disconnect(session, "insufficientState");
  }
}

const ownPosition = ({ offset, logEpoch }: Behind): SubscribeResult => ({
  recoverable: true,
  positioned: true,
  epoch: logEpoch,
  offset,
  was_recovering: true,
  recovered: true,
});
