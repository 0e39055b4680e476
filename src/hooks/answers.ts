import * as z from "zod";
import { findPart, MOST_LEVELS } from "../contracts/json-text.ts";
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

/**
 * A value as JSON has it: of any other a part would be lost or fail later, where it is stored, sent to another object or
 * written into a frame.
 */
const value = z.unknown().transform((data, context): unknown => {
  if (data === undefined) return undefined;
  try {
    const json = JSON.stringify(data) as string | undefined;
    const copy: unknown = JSON.parse(json ?? "");
    const levels = findPart(json ?? "", [])?.levels ?? 0;
    if (levels <= MOST_LEVELS) return copy;
    context.addIssue(`the value has more than ${MOST_LEVELS} levels of lists and objects`);
  } catch {
    context.addIssue("the value is not JSON");
  }
  return z.NEVER;
});

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
