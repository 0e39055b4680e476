import type { Config } from "../config/config.ts";
import type { Timetable } from "../platform/timetable.ts";
import { EventQueue } from "./event-queue.ts";
import { hears, tell } from "./tell-hook.ts";
import type { Event, Fact } from "./event.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { postEvents } from "./webhook.ts";

/** How many hooks of different sessions may run at once. */
const HOOKS_AT_ONCE = 32;
/** A pump runs beside the alarm; this one takes it up again if the object died meanwhile. */
const CHECK_MS = 30_000;
/** As for webhooks, where none are configured to say otherwise. */
const HOOK_RETRY = { retryFirstMs: 1_000, retryLastMs: 600_000, keepMs: 86_400_000 };

type Line = {
  readonly queue: EventQueue;
  readonly wants: (type: Fact["type"]) => boolean;
  readonly delayMs: number;
  readonly deliver: (events: readonly Event[], batch: string) => Promise<void>;
  /** How many lots may be on their way at once; more than one gives up their order. */
  readonly atOnce: number;
  busy: boolean;
};

/**
 * What an object has to tell the deployment's hooks and its webhook, until each has been told (SPEC HK4, HK6).
 *
 * A fact is stored in the turn that makes it true, and leaves the storage after its receiver has taken it: at least
 * once, and each time under the same id. Nothing is stored that nobody wants to hear (SPEC HK5).
 */
export class Events {
  readonly #arm: (at: number) => void;
  readonly #lines: readonly Line[];

  constructor(parts: {
    readonly ctx: DurableObjectState;
    readonly env: Cloudflare.Env;
    readonly config: Config;
    readonly hooks: Hooks;
    readonly timetable: Pick<Timetable<"events">, "arm">;
    /** Whether hooks must hear one fact after the other; a webhook always does. */
    readonly ordered: boolean;
  }) {
    const { ctx, env, config, hooks } = parts;
    const { times, webhook } = config.cluster;
    this.#arm = (at) => ctx.waitUntil(parts.timetable.arm("events", at));
    const toHooks: Line = {
      queue: new EventQueue(ctx.storage, "hook_events", { batch: 1, ...HOOK_RETRY, ...retryOf(config) }),
      wants: (type) => hears(hooks, type),
      delayMs: 0,
      deliver: async ([event]) => {
        if (event !== undefined) await tell(hooks, event, { env, timeoutMs: times.hookTimeoutMs });
      },
      atOnce: parts.ordered ? 1 : HOOKS_AT_ONCE,
      busy: false,
    };
    this.#lines = [toHooks];
    if (webhook === undefined) return;
    const toWebhook: Line = {
      queue: new EventQueue(ctx.storage, "webhook_events", { batch: webhook.batchEvents, ...webhook }),
      wants: (type) => webhook.events.includes(type),
      delayMs: webhook.batchMs,
      deliver: (events, batch) => postEvents(webhook, { secret: env.WEBHOOK_SECRET ?? "", events, batch }),
      atOnce: 1,
      busy: false,
    };
    this.#lines = [toHooks, toWebhook];
  }

  /** Whether anybody wants to hear of such a fact. */
  wants(type: Fact["type"]): boolean {
    return this.#lines.some((line) => line.wants(type));
  }

  /** MUST be called in the turn that makes the fact true. */
  record(fact: Fact): void {
    const now = Date.now();
    const event: Event = { id: crypto.randomUUID(), at: now, ...fact };
    for (const { queue, wants, delayMs } of this.#lines) {
      if (!wants(fact.type)) continue;
      queue.add(event, now + delayMs);
      this.#arm(now + delayMs);
    }
  }

  /** As `record`; `body` is the publication's JSON text. */
  published(channel: string, body: string, offset: number | null): void {
    if (!this.wants("published")) return;
    const publication: unknown = JSON.parse(body);
    this.record({ type: "published", channel, offset, publication });
  }

  /** The duty of the object's alarm. Never waits for a receiver: other duties would wait with it. */
  run(now: number): number | undefined {
    let next: number | undefined;
    for (const line of this.#lines) {
      const due = line.queue.nextDue(line.atOnce);
      if (due === undefined) continue;
      if (due <= now && !line.busy) void this.#pump(line);
      const again = line.busy ? now + CHECK_MS : due;
      next = Math.min(next ?? again, again);
    }
    return next;
  }

  async #pump(line: Line): Promise<void> {
    const { queue } = line;
    line.busy = true;
    try {
      for (;;) {
        const lots = queue.take(Date.now(), line.atOnce);
        if (lots.length === 0) break;
        await Promise.all(
          lots.map(async (lot) => {
            try {
              await line.deliver(lot.events, lot.batch);
              queue.done(lot);
            } catch (error) {
              console.error(`events were not taken, and are tried again`, error);
              queue.failed(lot, Date.now());
            }
          }),
        );
      }
    } finally {
      line.busy = false;
      const next = queue.nextDue(line.atOnce);
      if (next !== undefined) this.#arm(next);
    }
  }
}

/** Hooks are tried again as the webhook is, where there is one. */
function retryOf({ cluster: { webhook } }: Config): Partial<typeof HOOK_RETRY> {
  if (webhook === undefined) return {};
  const { retryFirstMs, retryLastMs, keepMs } = webhook;
  return { retryFirstMs, retryLastMs, keepMs };
}
