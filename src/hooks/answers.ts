import { z } from "zod";
import type { ConnectChange, Identity, PublishChange, Refusal, RpcAnswer, SubscribeChange } from "./hooks.ts";

/** What hooks may answer. They are the deployment's own code, and a slip in it must not become a broken frame. */

/** The JS SDK obeys a reason that is JSON. */
const isProse = (reason: string): boolean => {
  try {
    JSON.parse(reason);
    return false;
  } catch {
    return new TextEncoder().encode(reason).byteLength <= 123;
  }
};

/** What goes into a frame. A value that JSON has no words for would fail after the hook, where its session ends. */
const value = z.unknown().refine((data) => {
  try {
    return data === undefined || JSON.stringify(data) !== undefined;
  } catch {
    return false;
  }
}, "it is no JSON");

const refusal = z.union([
  z.strictObject({
    error: z.strictObject({
      code: z.number().int().min(100).max(1999),
      message: z.string(),
      temporary: z.boolean().optional(),
    }),
  }),
  z.strictObject({
    disconnect: z.strictObject({
      code: z.number().int().min(3000).max(4999),
      reason: z.string().refine(isProse, "a reason has at most 123 bytes, and is no JSON"),
    }),
  }),
]);

const answer = <Change extends z.ZodType>(change: Change) =>
  z.union([z.null(), z.undefined(), refusal, change]);

export const identityAnswer: Answers<Identity> = answer(
  z.strictObject({
    user: z.string(),
    info: value.optional(),
    expiresAt: z.number().positive().optional(),
  }),
);
export const connectAnswer: Answers<ConnectChange> = answer(
  z.strictObject({
    data: value.optional(),
    channels: z.array(z.string()).optional(),
    info: value.optional(),
  }),
);
export const subscribeAnswer: Answers<SubscribeChange> = answer(
  z.strictObject({
    allow: z.literal(true).optional(),
    info: value.optional(),
    data: value.optional(),
  }),
);
export const publishAnswer: Answers<PublishChange> = answer(
  z.strictObject({
    allow: z.literal(true).optional(),
    data: value.optional(),
    tags: z.record(z.string(), z.string()).optional(),
  }),
);
export const rpcAnswer: Answers<RpcAnswer> = answer(z.strictObject({ data: value }));

export type Answers<Change> = z.ZodType<Change | Refusal | null | undefined>;
