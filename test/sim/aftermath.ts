import { CONTRACT } from "../../src/contracts/version.ts";
import { bytesOf } from "./platform-limits.ts";
import { isJudged } from "./traits.ts";
import type { World } from "./world.ts";

/** Longer than every time that a channel, an id or an event is remembered for; `history_meta_ttl` is 30 days. */
const MONTHS_MS = 40 * 86_400_000;
const DAY_MS = 86_400_000;
/** The events that retries, expiry and the last leaves may take, for each object. */
const EVENTS_FOR_EACH = 100;
/** The ring, the moves and the reports of a shard, its appointments and its flags. */
const SHARD_BYTES = 1_500;
/** The tables of the coordinator that a number of rows bounds (SPEC BD54); coordinator-bounds.test.ts fills them. */
const BOUNDED_TABLES: ReadonlySet<string> = new Set(["epochs", "moves", "used_ids"]);
/** A coordinator keeps its settings and the log of its broadcast channel without publications. */
const COORDINATOR_ROWS = 12;
/** And for each shard a report, where it is in the broadcast channel, and that it has left or has not heard. */
const COORDINATOR_ROWS_OF_SHARD = 3;

/** When all clients have left: lets months pass, and checks that nothing is left that nobody needs (SPEC BD73). */
export async function judgeAftermath(world: World): Promise<void> {
  const names = (["Shard", "Channel", "Coordinator"] as const).flatMap((className) =>
    world.objects.names(className),
  );
  world.events.most = world.events.total + EVENTS_FOR_EACH * names.length;
  await world.run(world.clock.now + MONTHS_MS);
  // Each object has a last wake, and looks at what it has kept.
  for (const name of names) wakeAnew(world, name);
  await world.run(world.clock.now + DAY_MS);
  world.events.most = Infinity;
  if (world.violations.length > 0) return;
  for (const name of names) {
    const { alarmAt } = world.objects.of(name).storage;
    if (alarmAt !== null && isJudged("silence"))
      world.violate(`${name} is idle and has an alarm (SPEC BD73)`);
    for (const problem of leftBehind(world, name)) world.violate(`${name} keeps ${problem} (SPEC BD73)`);
  }
}

/** Ends the life of an object and begins another. */
export function wakeAnew(world: World, name: string): void {
  world.outside(() => {
    world.crash(name);
    const stub = world.stub(name) as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const [binding = ""] = name.split(" ");
    void QUESTIONS[binding]?.(stub)?.catch(() => undefined);
  });
}

/** A question to each kind of object that changes nothing. */
const QUESTIONS: Readonly<
  Record<
    string,
    (stub: Record<string, (...args: unknown[]) => Promise<unknown>>) => Promise<unknown> | undefined
  >
> = {
  SHARD: (stub) => stub["status"]?.(CONTRACT),
  CHANNEL: (stub) => stub["presence"]?.("", CONTRACT),
  COORDINATOR: (stub) => stub["descriptor"]?.(CONTRACT),
};

function* leftBehind(world: World, name: string): Generator<string> {
  const storage = world.objects.of(name).storage;
  const { rows, bytes, tables } = storage.size();
  if (name.startsWith("CHANNEL ")) {
    if (rows + tables > 0 && isJudged("channels")) yield `${rows} rows and ${tables} tables`;
  } else if (name.startsWith("SHARD ")) {
    const more = bytes - bytesOf(storage.kv.get("descriptor"));
    if (more > SHARD_BYTES && isJudged("shards")) yield `${more} bytes beside the ring`;
    for (const table of storage.dump().tables)
      if (table.rows.length > 0 && isJudged("shards")) yield `${table.rows.length} rows of ${table.name}`;
  } else if (isJudged("coordinator")) {
    const rowsLeft = rowsOfCoordinator(world, name);
    const most = COORDINATOR_ROWS + COORDINATOR_ROWS_OF_SHARD * world.objects.names("Shard").length;
    if (rowsLeft > most) yield `${rowsLeft} rows besides its epochs`;
  }
}

/** The rows of a coordinator without those that a number bounds. */
export function rowsOfCoordinator(world: World, name: string): number {
  const storage = world.objects.of(name).storage;
  const bounded = storage.dump().tables.filter((table) => BOUNDED_TABLES.has(table.name));
  return storage.size().rows - bounded.reduce((sum, table) => sum + table.rows.length, 0);
}
