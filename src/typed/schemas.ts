import type { StandardSchemaV1 } from "@standard-schema/spec";
import { within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import { fits } from "../policy/glob.ts";
import type { ChannelSchemas } from "./types.ts";

/** `wrong`: the data does not fit, with the path of the first fault. `failed`: the schema itself has failed. */
export type Problem = { readonly kind: "wrong"; readonly detail: string } | { readonly kind: "failed" };

/** Some libraries write the value itself into the message. */
const MOST_DETAIL_CHARS = 300;

/** The schemas of a deployment's channels. */
export class Schemas {
  readonly #schemas: readonly (readonly [pattern: string, schema: StandardSchemaV1])[];

  constructor(schemas: ChannelSchemas) {
    this.#schemas = Object.entries(schemas);
    for (const [pattern, schema] of this.#schemas)
      if (typeof schema["~standard"]?.validate !== "function")
        throw new TypeError(`the schema of the channels ${pattern} does not follow Standard Schema`);
  }

  /** The schema of a channel. */
  of(channel: string): StandardSchemaV1 | undefined {
    return this.#schemas.find(([pattern]) => fits(pattern, channel))?.[1];
  }
}

/**
 * Why data may not be published; undefined where it fits. The schema checks it and does not change it. One that answers
 * later has as long as a hook, and has failed after that.
 */
export async function problemOf(
  schema: StandardSchemaV1,
  data: unknown,
  timeoutMs: number,
): Promise<Problem | undefined> {
  try {
    const answer = schema["~standard"].validate(data);
    const { issues } = answer instanceof Promise ? await within(timeoutMs, answer) : answer;
    if (issues === undefined) return undefined;
    const [first] = issues;
    const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
    const detail = `${["data", ...path].join(".")}: ${first?.message ?? "not valid"}`;
    return { kind: "wrong", detail: detail.slice(0, MOST_DETAIL_CHARS) };
  } catch (error) {
    logError("the schema of a channel has failed", { vendor: schema["~standard"].vendor, error });
    return { kind: "failed" };
  }
}
