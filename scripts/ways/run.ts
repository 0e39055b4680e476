/**
 * Lists the files of `src` that one event passes through: `npm run ways`.
 *
 * It records four ways through a warm cluster of two shards, on the simulator's stand-in for the platform (test/sim),
 * driven through the Worker's handler and through frames:
 *
 * - upgrade: from the request at the router's handler to the shard's 101.
 * - publication: from a publisher's frame at one shard to the frame at a listener of another shard. The channel keeps
 *   history.
 * - HTTP publish: from `POST /api/publish` at the router's handler to the frame at that listener.
 * - ring change: the coordinator adds a shard, until the last of the sessions that move is closed with 4001.
 *
 * The rules of counting:
 *
 * - A way enters a file when a function of that file is called: a method, a constructor, a getter, a callback; a
 *   pure helper of one line counts like any other. Reading a constant or a table calls nothing, and does not count.
 *   The meter stands around each call of an object and of its storage, and is no step of a way.
 *   Code at the top of a module, field initialisers and the part of a function after an `await` do not count either.
 * - `calls` are the calls that come from another file, from the platform or from a library.
 * - A way goes in one direction. After the way has gone on to the next object (router, shard, channel, shard), the
 *   former object only answers its caller. The files of the answer stand below the table, and are not counted. A ring
 *   change has no such end: all work of the objects is counted.
 * - A call back is a call from another file, while the called file itself is further down on the call stack. The stack
 *   goes on through awaits, promises and libraries, and ends at a call from one object to another. So a callback that a
 *   file hands down is a call back, also in a helper.
 *
 * Messages take their shortest time, so each run is the same. `--check` fails if a way enters more files than LIMITS
 * has for it, or if there is a call back on the way down of a publication: from the channel's object to the frame.
 */
import { parseArgs } from "node:util";
import { register } from "../../test/sim/register.ts";
import { instrumentSources } from "./instrument.ts";
import type { Entry } from "./trace.ts";
import type { Way, WayName } from "./ways.ts";

/**
 * A publication passes nine files that laws have put on its way: the bucket that admits a frame (`token-bucket`, SPEC
 * BD23), the data as the client's own text (`json-text`, CE4), the budget of new channels (`new-channels`, BD27), the
 * one call in flight for each channel (`publisher`, EL20), the usage that a delivery carries from the channel to
 * the count of the shard (`untold-usage`, `contracts/usage`, `records/usage`, `usage-ledger`, EL52), and the moment at
 * which a shard that works looks at its load (`reports`, EL72).
 */
const LIMITS: Partial<Record<WayName, number>> = { upgrade: 16, publication: 34 };

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log("npm run ways -- [--json] [--check]");
  process.exit(0);
}
register();
instrumentSources();
const { recordWays } = await import("./ways.ts");
const ways = Object.entries(await recordWays()).map(([name, way]) => ({ name, ...describe(way) }));
if (values.json) console.log(JSON.stringify(ways, null, 2));
else for (const way of ways) print(way);
if (values.check) check();

type FileReport = {
  readonly file: string;
  readonly calls: number;
  /** The router, or classes of objects. */
  readonly parts: readonly string[];
  readonly callBacks: readonly string[];
};
type Report = {
  readonly files: readonly FileReport[];
  readonly onlyInAnswer: readonly string[];
  readonly callBacksOnTheWayDown: readonly string[];
};

function describe({ entries, answer }: Way): Report {
  const files = Map.groupBy(entries, ({ file }) => file);
  const down = entries.findIndex(({ part }) => part === "CHANNEL");
  return {
    files: [...files].map(([file, own]) => ({
      file,
      calls: own.filter(({ from }) => from !== file).length,
      parts: distinct(own.map(({ part }) => part.toLowerCase())),
      callBacks: callBacksOf(own),
    })),
    onlyInAnswer: distinct(answer.map(({ file }) => file)).filter((file) => !files.has(file)),
    callBacksOnTheWayDown: down === -1 ? [] : callBacksOf(entries.slice(down)),
  };
}

function callBacksOf(entries: readonly Entry[]): string[] {
  const callBacks = entries.filter(({ isCallBack }) => isCallBack);
  return distinct(callBacks.map(({ file, line, from }) => `${file}:${line} from ${from}`));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function print({ name, files, onlyInAnswer }: Report & { name: string }): void {
  const calls = files.reduce((sum, file) => sum + file.calls, 0);
  console.log(`\n${name}: ${files.length} files, ${calls} calls from one file to another`);
  for (const [n, { file, calls: own, parts, callBacks }] of files.entries()) {
    const columns = [String(n + 1).padStart(3), file.padEnd(34), String(own).padStart(6), parts.join(", ")];
    console.log(columns.join("  "));
    for (const callBack of callBacks) console.log(`     called back: ${callBack}`);
  }
  if (onlyInAnswer.length > 0) console.log(`     the answer also enters ${onlyInAnswer.join(", ")}`);
}

function check(): void {
  const problems = ways.flatMap(({ name, files, callBacksOnTheWayDown }) => {
    const limit = LIMITS[name as WayName] ?? Infinity;
    return [
      ...(files.length > limit ? [`${name} enters ${files.length} files; the limit is ${limit}`] : []),
      ...(name === "publication" ? callBacksOnTheWayDown.map((one) => `${name} calls back: ${one}`) : []),
    ];
  });
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
