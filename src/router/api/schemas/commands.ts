import * as z from "zod";

/** The parameters and results of `rpc` and `batch`. */

export const rpcParams = z.strictObject({ method: z.string().min(1), params: z.unknown().optional() });
export const rpcResult = z.object({ data: z.unknown() });

export const batchParams = z.strictObject({
  commands: z.array(z.record(z.string(), z.unknown())).min(1),
  parallel: z.boolean().optional(),
});
export const batchResult = z.object({ replies: z.array(z.record(z.string(), z.unknown())) });
