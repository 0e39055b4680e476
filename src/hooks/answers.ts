import * as z from "zod";
import type { ConnectChange, Identity, PublishChange, Refusal, RpcAnswer, SubscribeChange } from "./hooks.ts";

/** The schemas of the answers of hooks. They keep a mistake in the deployment's code from becoming a broken frame. */

/** Whether a text may be the reason of a close: no JSON (docs/protocol.md C34), 123 bytes (docs/platform.md P13). */
const isProse = (reason: string): boolean => {
  try {
    JSON.parse(reason);
    return false;
  } catch {
    return new TextEncoder().encode(reason).byteLength <= 123;
  }
};

/** A value that JSON can express. Any other value would fail later, while the frame is written, and end the session. */
const value = z.unknown().refine((data) => {
  try {
    return data === undefined || JSON.stringify(data) !== undefined;
  } catch {
    return false;
  }
}, "the value is not JSON");

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
      reason: z.string().refine(isProse, "a reason has at most 123 bytes and is not JSON"),
    }),
  }),
]);

const answer = <Change extends z.ZodType>(change: Change) =>
  z.union([z.null(), z.undefined(), refusal, change]);

export const identityAnswer: Answers<Identity> = answer(
  z.strictObject({
    user: z.string().refine((name) => name.isWellFormed(), "a user's name is Unicode text"),
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

/** The schema of all that a hook may answer: nothing, a refusal or a change. */
export type Answers<Change> = z.ZodType<Change | Refusal | null | undefined>;
