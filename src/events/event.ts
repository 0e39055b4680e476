import type { WebhookEvent } from "../config/webhook.ts";
import type { ShardSpec } from "../ring/descriptor.ts";
import type { HookSession, HookShard } from "../hooks/hooks.ts";

/** What a deployment or its back ends may want to hear of; the body of a webhook is made of these. */
export type Fact =
  | { readonly type: "connected"; readonly shard: HookShard; readonly session: HookSession }
  | {
      readonly type: "disconnected";
      readonly shard: HookShard;
      readonly session: HookSession;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly type: "occupied" | "vacated"; readonly channel: string }
  | {
      readonly type: "published";
      readonly channel: string;
      /** Null where nothing is kept. */
      readonly offset: number | null;
      /** As clients see it: `data`, `info`, `tags`. */
      readonly publication: unknown;
    }
  | {
      readonly type: "shards";
      readonly ringEpoch: number;
      readonly cause: string;
      readonly by: string;
      readonly shards: readonly ShardSpec[];
    };

/** A fact with the id that it keeps, and when it was found. */
export type Event = { readonly id: string; readonly at: number } & Fact;

// Every fact can be subscribed to, and nothing else can.
true satisfies Fact["type"] extends WebhookEvent ? (WebhookEvent extends Fact["type"] ? true : false) : false;
