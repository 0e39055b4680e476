import type * as z from "zod";
import type { Config } from "../../config/config.ts";
import { firstFault, sayFault } from "../../config/faults.ts";
import { logError } from "../../platform/logger.ts";
import { homeOf } from "../../policy/channels.ts";
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
  if (method.reads && call.answers.spent !== undefined) return fail("limitExceeded", call.answers.spent);
  const checked = method.params.safeParse(withoutNulls(params ?? {}, DEPTH), { error: sayFault });
  if (!checked.success) return fail("badRequest", firstFault(checked.error, "the parameters"));
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
    return call.answers.count(`{${JSON.stringify(name)}:${encodeResult(answer.result)}}`);
  };
  const replies: string[] = [];
  const runs = batch.parallel === true ? inParallel(batch.commands) : runsOf(call.config, batch.commands);
  for (const together of runs) replies.push(...(await Promise.all(together.map(run))));
  return ok(new JsonResult(`{"replies":[${replies.join(",")}]}`));
}

/** So many commands that read run at once: the answers of these are in memory before they are counted. */
const READS_AT_ONCE = 4;

/** Commands cut where too many would read at once. */
function inParallel<Command extends Record<string, unknown>>(commands: readonly Command[]): Command[][] {
  const runs: Command[][] = [[]];
  let reads = 0;
  for (const command of commands) {
    if (Object.keys(command).some((name) => METHODS.get(name)?.reads === true)) reads += 1;
    if (reads > READS_AT_ONCE) {
      runs.push([]);
      reads = 1;
    }
    runs.at(-1)?.push(command);
  }
  return runs;
}

/**
 * Commands in order, cut where one has to wait for the one before. Publications to one channel need not: they keep their
 * order on the way to it, and go in one call (SPEC EL24).
 */
function runsOf<Command extends Record<string, unknown>>(
  config: Config,
  commands: readonly Command[],
): Command[][] {
  const runs: Command[][] = [];
  let last: unknown;
  for (const command of commands) {
    const { channel } = (command["publish"] ?? {}) as { readonly channel?: unknown };
    const mayJoin = typeof channel === "string" && homeOf(config, channel).kind === "channel";
    if (mayJoin && channel === last) runs.at(-1)?.push(command);
    else runs.push([command]);
    last = mayJoin ? channel : undefined;
  }
  return runs;
}
