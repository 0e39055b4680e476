import { within } from "../platform/calls.ts";
import type { ClusterWork } from "./broadcaster.ts";
import { Namespace } from "./namespace.ts";
import { pack, unpack } from "./packed.ts";
import type { Question } from "./question.ts";
import type { Handlers } from "./registry.ts";

type ServerSideQuestion = Extract<Question, { kind: "serverSide" }>;

/**
 * Gives an event of another server to the handlers of this shard (SPEC SO33). Answers with the first answer of a handler,
 * packed; null where none is awaited, or none comes in time.
 */
export async function tellServerSide(
  { nsp, args, timeoutMs }: ServerSideQuestion,
  handlers: Handlers | undefined,
  cluster: ClusterWork,
): Promise<string | null> {
  const [event, ...rest] = unpack(args);
  const called = handlers?.serverSideFor(String(event)) ?? [];
  const run = (...more: unknown[]): void => {
    const given: unknown[] = [new Namespace(cluster, nsp), ...rest, ...more];
    for (const handler of called) cluster.run(String(event), () => handler(...(given as never[])));
  };
  if (timeoutMs === null) {
    run();
    return null;
  }
  if (called.length === 0) return null;
  const answered = new Promise<string>((resolve) => {
    run((...answer: unknown[]) => resolve(pack(answer.slice(0, 1))));
  });
  return within(timeoutMs, answered).catch(() => null);
}
