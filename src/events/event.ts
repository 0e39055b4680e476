import type { WebhookEvent } from "../config/webhook.ts";
import type { ShardSpec } from "../ring/descriptor.ts";
import type { HookSession, HookShard } from "../hooks/hooks.ts";

/** The kind and the fields of an event, as its webhook shows them. */
export type EventDetails =
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
      /** Null where the channel has no log. */
      readonly offset: number | null;
      /** The publication as clients see it: `data`, `info`, `tags`. */
      readonly publication: unknown;
    }
  | {
      readonly type: "shards";
      readonly ringEpoch: number;
      readonly cause: string;
      readonly by: string;
      readonly shards: readonly ShardSpec[];
    };

export type EventType = EventDetails["type"];

/** An event. `id` stays the same in each repetition; `at` is the time of the event in ms since 1970. */
export type Event = { readonly id: string; readonly at: number } & EventDetails;

// A webhook can subscribe to exactly these types.
true satisfies EventType extends WebhookEvent ? (WebhookEvent extends EventType ? true : false) : false;
