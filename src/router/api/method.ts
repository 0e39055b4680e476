import type { z } from "zod";
import type { Config } from "../../config/config.ts";
import type { RingCache } from "../ring-cache.ts";
import type { Answer } from "./answer.ts";

/** What a method may use. */
export type Call = { readonly env: Cloudflare.Env; readonly config: Config; readonly cache: RingCache };

/** A method of the server API. */
export type Method = {
  readonly summary: string;
  /** The read-only key may call it. */
  readonly reads: boolean;
  readonly params: z.ZodType;
  readonly result: z.ZodType;
  readonly run: (call: Call, params: unknown) => Promise<Answer>;
};

/** A method whose parameters are checked before it runs. */
export function method<Params extends z.ZodType>(spec: {
  readonly summary: string;
  readonly reads?: true;
  readonly params: Params;
  readonly result: z.ZodType;
  readonly run: (call: Call, params: z.infer<Params>) => Promise<Answer>;
}): Method {
  const { run } = spec;
  return {
    summary: spec.summary,
    reads: spec.reads === true,
    params: spec.params,
    result: spec.result,
    // Checked by whoever dispatches; see run-method.ts.
    run: (call, params) => run(call, params as z.infer<Params>),
  };
}
