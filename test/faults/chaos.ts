import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "../chaos/report.ts";
import { isSame, readCode, type Code } from "./code.ts";
import type { Gate } from "./gate.ts";
import { freeSeeds, WITHOUT_VERDICT, type Run } from "./record.ts";
import type { Store } from "./store.ts";

/** A run of some minutes, so that little is lost where it has to end early. */
export const OPTIONS =
  "--seconds 240 --faults 1300 --kills 20 --at-once 8 --clients 24 --channels 20 --publishers 6 --back-ends 8 --pause 20 --batch 100 --sockets 10";
const FIRST_SEED = 1;

/** One run of `npm run chaos`. It ends without a row where the gate closes, since its time cannot stand still. */
export async function runChaos(parts: {
  readonly root: string;
  readonly code: Code;
  readonly store: Store;
  readonly gate: Gate;
  readonly options?: string;
}): Promise<void> {
  const { root, code, store, gate, options = OPTIONS } = parts;
  const taken = store.record.filter(({ part }) => part === "chaos");
  const seeds = freeSeeds(taken, { first: FIRST_SEED, count: 1 });
  const folder = mkdtempSync(join(tmpdir(), "ringcast-faults-"));
  const file = join(folder, "outcome.json");
  const started = Date.now();
  const args = ["test/chaos/run.ts", ...options.split(" "), "--seed", String(seeds.from), "--record", file];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
  let isCut = false;
  const ended = gate.onChange(() => {
    isCut = true;
    child.kill("SIGTERM");
  });
  try {
    const [status] = (await once(child, "close")) as [number | null];
    if (isCut || !isSame(code, readCode(root))) return;
    const row: Run = {
      part: "chaos",
      options,
      seeds,
      ...code,
      began: new Date(started).toISOString(),
      seconds: Math.round((Date.now() - started) / 1_000),
      counts: { [WITHOUT_VERDICT]: 1 },
      faults: {},
      violations: [],
    };
    if (!existsSync(file)) {
      console.log(
        `The run with seed ${seeds.from} ended with ${status ?? "a signal"} and without a verdict:`,
      );
      console.log(said.join("").slice(-2_000));
      return store.add(row);
    }
    const { counts, faults, problems } = JSON.parse(readFileSync(file, "utf8")) as Outcome;
    const violations = problems.length === 0 ? [] : [{ seed: seeds.from, what: problems.slice(0, SHOWN) }];
    store.add({ ...row, counts: summed(counts), faults, violations });
    console.log(
      `chaos ${seeds.from}: ${counts["publications acknowledged"] ?? 0} publications acknowledged, ${problems.length} violations`,
    );
  } finally {
    ended();
    child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

const SHOWN = 10;

/** Without what has no sum over runs, such as a percentile. */
const summed = (counts: Outcome["counts"]): Outcome["counts"] =>
  Object.fromEntries(Object.entries(counts).filter(([name]) => !name.endsWith(", ms")));
