import type { z } from "zod";
import type { Access } from "../auth.ts";
import { fail, type Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import { METHODS } from "./methods.ts";
import type { batchParams } from "./schemas.ts";

/** Runs one command of the server API: finds its method, checks its parameters and what its key permits. */
export async function runMethod(call: Call, access: Access, name: string, params: unknown): Promise<Answer> {
  const method = METHODS.get(name);
  if (method === undefined) return fail("methodNotFound", name);
  if (access === "read" && !method.reads) return fail("notAvailable", "this API key may only read");
  const checked = method.params.safeParse(withoutNulls(params ?? {}));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const field = issue?.path.join(".") ?? "";
    return fail("badRequest", `${field === "" ? "the parameters" : field}: ${issue?.message ?? "not valid"}`);
  }
  try {
    if (name === "batch") return await runBatch(call, access, checked.data as z.infer<typeof batchParams>);
    return await method.run(call, checked.data);
  } catch (error) {
    console.error(`${name} failed`, error);
    return fail("internal");
  }
}

/** Fields in which null is a value. */
const VALUES: ReadonlySet<string> = new Set(["data", "info", "params", "commands"]);

/** No method takes more: `since` has fields of its own, and those have none. */
const DEPTH = 2;

/** Null is absent, as in Go, for which server libraries are written. */
function withoutNulls(params: unknown, depth = DEPTH): unknown {
  if (depth === 0 || typeof params !== "object" || params === null || Array.isArray(params)) return params;
  return Object.fromEntries(
    Object.entries(params)
      .filter(([field, value]) => value !== null || VALUES.has(field))
      .map(([field, value]) => [field, VALUES.has(field) ? value : withoutNulls(value, depth - 1)]),
  );
}

/** A batch answers without the envelope's `result`: `{"replies": [{"publish": {…}}, {"error": {…}}]}`. */
async function runBatch(call: Call, access: Access, batch: z.infer<typeof batchParams>): Promise<Answer> {
  const limit = call.config.cluster.limits.apiCommands;
  if (batch.commands.length > limit) return fail("badRequest", `at most ${limit} commands at once`);
  const run = async (command: Record<string, unknown>): Promise<object> => {
    const [name = "", params] = Object.entries(command)[0] ?? [];
    if (name === "batch") return fail("badRequest", "a batch holds no batch");
    const answer = await runMethod(call, access, name, params);
    return "error" in answer ? answer : { [name]: answer.result };
  };
  const replies: object[] = [];
  if (batch.parallel === true) replies.push(...(await Promise.all(batch.commands.map(run))));
  else for (const command of batch.commands) replies.push(await run(command));
  return { result: { replies } };
}
