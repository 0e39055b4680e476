import type * as z from "zod";
import type { Config } from "../../config/config.ts";
import type { Publisher } from "../../platform/publisher.ts";
import type { Schemas } from "../../typed/schemas.ts";
import type { RingCache } from "../ring-cache.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import type { Answer } from "./answer.ts";

/** The parts of the deployment that a method works with. */
export type Call = {
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly cache: RingCache;
  /** What back ends may publish. */
  readonly schemas?: Schemas | undefined;
  /** Of this request alone (SPEC EL24). */
  readonly publisher: Publisher;
  /** Of this request alone (SPEC BD96). */
  readonly answers: AnswerBudget;
};

type Description = {
  readonly summary: string;
  /** Whether the reading key may call the method. */
  readonly reads: boolean;
  readonly params: z.ZodType;
  readonly result: z.ZodType;
};

/** A method of the server API. */
export type Method = Description &
  (
    | {
        readonly kind: "call";
        /** `params` MUST have passed the method's own schema. */
        run(call: Call, params: unknown): Promise<Answer>;
      }
    /** Runs other methods, and checks the permission for each of them. */
    | { readonly kind: "batch" }
    /** Part of Centrifugo's API, and absent here. */
    | { readonly kind: "absent" }
  );

/** A method that `run` carries out. The type of its parameters follows from their schema. */
export const method = <Params extends z.ZodType>(spec: {
  readonly summary: string;
  readonly reads?: true;
  readonly params: Params;
  readonly result: z.ZodType;
  readonly run: (call: Call, params: z.infer<Params>) => Promise<Answer>;
}): Method => ({ kind: "call", ...spec, reads: spec.reads === true });
