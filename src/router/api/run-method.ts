import type { z } from "zod";
import { logError } from "../../platform/logger.ts";
import type { Access } from "../access.ts";
import { encodeAnswer, encodeResult, fail, JsonResult, ok, type Answer } from "./answer.ts";
import type { Call } from "./method.ts";
import { METHODS } from "./methods.ts";
import type { batchParams } from "./schemas/commands.ts";

/** One command of a request: the method's name, its parameters as JSON, and the access that its key gives. */
export type Command = { readonly name: string; readonly params: unknown; readonly access: Access };

/** Runs one command of the server API: finds its method, and checks its permission and its parameters. */
export async function runMethod(call: Call, { name, params, access }: Command): Promise<Answer> {
  const method = METHODS.get(name);
  if (method === undefined) return fail("methodNotFound", name);
  if (access === "read" && !method.reads) return fail("notAvailable", "this API key may only read");
  const checked = method.params.safeParse(withoutNulls(params ?? {}, DEPTH));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const field = issue?.path.join(".") ?? "";
    return fail("badRequest", `${field === "" ? "the parameters" : field}: ${issue?.message ?? "not valid"}`);
  }
  try {
    switch (method.kind) {
      case "call":
        return await method.run(call, checked.data);
      case "batch":
        return await runBatch(call, access, checked.data as z.infer<typeof batchParams>);
      case "absent":
        return fail("methodNotFound");
    }
  } catch (error) {
    logError("a method of the server API failed", { method: name, error });
    return fail("internal");
  }
}

/** Fields in which null is a value. */
const VALUES: ReadonlySet<string> = new Set(["data", "info", "params", "commands"]);

/** No method has fields that are nested deeper: `since` has fields, and these have none. */
const DEPTH = 2;

/** Drops the fields that are null. Server libraries are written for Go, where null means that the field is absent. */
function withoutNulls(params: unknown, depth: number): unknown {
  if (depth === 0 || typeof params !== "object" || params === null || Array.isArray(params)) return params;
  return Object.fromEntries(
    Object.entries(params)
      .filter(([field, value]) => value !== null || VALUES.has(field))
      .map(([field, value]) => [field, VALUES.has(field) ? value : withoutNulls(value, depth - 1)]),
  );
}

/** A batch answers without the `result` of other methods: `{"replies": [{"publish": {…}}, {"error": {…}}]}`. */
async function runBatch(call: Call, access: Access, batch: z.infer<typeof batchParams>): Promise<Answer> {
  const limit = call.config.cluster.limits.apiCommands;
  if (batch.commands.length > limit) return fail("badRequest", `at most ${limit} commands at once`);
  const run = async (command: Record<string, unknown>): Promise<string> => {
    const [first, ...others] = Object.entries(command);
    const [name, params] = first ?? [""];
    if (others.length > 0) return encodeAnswer(fail("badRequest", "a command of a batch has one method"));
    if (name === "batch") return encodeAnswer(fail("badRequest", "a batch holds no batch"));
    const answer = await runMethod(call, { name, params, access });
    if ("error" in answer) return encodeAnswer(answer);
    return `{${JSON.stringify(name)}:${encodeResult(answer.result)}}`;
  };
  const replies: string[] = [];
  if (batch.parallel === true) replies.push(...(await Promise.all(batch.commands.map(run))));
  else for (const command of batch.commands) replies.push(await run(command));
  return ok(new JsonResult(`{"replies":[${replies.join(",")}]}`));
}
