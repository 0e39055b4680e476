import type { Config } from "../config/config.ts";
import type { WebhookConfig } from "../config/webhook.ts";
import type { HookContext, Hooks } from "../hooks/hooks.ts";
import type { EventType } from "./event.ts";
import { EventQueue, type Batch, type RetrySettings } from "./event-queue.ts";
import { tellHook, typesWithHook } from "./tell-hook.ts";
import { postEvents } from "./webhook.ts";

/** How many hooks may run at once where their order does not matter. */
const HOOKS_AT_ONCE = 32;
/** A deployment without a webhook has no settings for these. They equal the webhook's defaults. */
const HOOK_RETRY: RetrySettings = { retryFirstMs: 1_000, retryLastMs: 600_000, keepMs: 86_400_000 };

/** A receiver of events, with the queue of the events that it has not taken yet. */
export type Sink = {
  readonly queue: EventQueue;
  /** The types of events that the receiver wants. */
  readonly types: ReadonlySet<EventType>;
  /** How long an event waits for further events of the same batch. */
  readonly delayMs: number;
  /** Rejects where the receiver has not taken the events. */
  readonly deliver: (batch: Batch) => Promise<void>;
  /** How many batches may be on their way at once. With more than one, events have no order. */
  readonly atOnce: number;
  busy: boolean;
  /** No run begins before this time, ms since 1970. */
  restsUntil: number;
};

type Parts = {
  readonly storage: DurableObjectStorage;
  readonly env: RingcastEnv;
  readonly ctx: HookContext;
  readonly config: Config;
  readonly hooks: Hooks;
  /** Whether the hooks are told of one event after the other. The webhook always gets events in order. */
  readonly ordered: boolean;
};

/** The receivers of an object's events: the deployment's hooks, and the webhook if one is configured. */
export function createSinks(parts: Parts): Sink[] {
  const { webhook } = parts.config.cluster;
  return webhook === undefined ? [hookSink(parts)] : [hookSink(parts), webhookSink(parts, webhook)];
}

function hookSink({ storage, env, ctx, config, hooks, ordered }: Parts): Sink {
  const { times, webhook, limits } = config.cluster;
  const { retryFirstMs, retryLastMs, keepMs } = webhook ?? HOOK_RETRY;
  const settings = { ...limits, batchEvents: 1, retryFirstMs, retryLastMs, keepMs };
  return {
    queue: new EventQueue(storage, "hook_events", settings),
    types: new Set(typesWithHook(hooks)),
    delayMs: 0,
    deliver: async ({ events: [event] }) => {
      if (event !== undefined) await tellHook(hooks, event, { env, ctx, timeoutMs: times.hookTimeoutMs });
    },
    atOnce: ordered ? 1 : HOOKS_AT_ONCE,
    busy: false,
    restsUntil: 0,
  };
}

function webhookSink({ storage, env, config }: Parts, webhook: WebhookConfig): Sink {
  return {
    queue: new EventQueue(storage, "webhook_events", { ...config.cluster.limits, ...webhook }),
    types: new Set(webhook.events),
    delayMs: webhook.batchMs,
    deliver: (batch) => postEvents(webhook, { secret: env.WEBHOOK_SECRET ?? "", batch }),
    atOnce: 1,
    busy: false,
    restsUntil: 0,
  };
}
