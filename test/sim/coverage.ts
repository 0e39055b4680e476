import convert from "ast-v8-to-istanbul";
import { readFileSync } from "node:fs";
import { Session, type Profiler } from "node:inspector/promises";
import { stripTypeScriptTypes } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseAst } from "vite";

const ROOT = join(import.meta.dirname, "../..");
/** The folders whose decisions are counted. */
const FOLDERS = ["log", "shard", "coordinator", "channel", "fanout"].map((name) => join("src", name, "/"));
/** So much of a decision's text is shown. */
const SHOWN = 100;

export type ScriptCoverage = Profiler.ScriptCoverage;

/** From now on counts which code of this thread runs. MUST be called before the code is imported. */
export async function startCoverage(): Promise<{ take(): Promise<ScriptCoverage[]> }> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  // An `else` that is not written down has the calls that the `then` has not.
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return {
    async take() {
      const { result } = await session.post("Profiler.takePreciseCoverage");
      return result.filter(({ url }) => isCounted(url));
    },
  };
}

function isCounted(url: string): boolean {
  const file = url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)) : "";
  return FOLDERS.some((folder) => file.startsWith(folder));
}

/**
 * The branches and functions that ran in none of the threads, each as a line: file, decision, branch. Equal lines are
 * numbered. A line is the same after a change of other code.
 */
export async function neverTaken(threads: readonly (readonly ScriptCoverage[])[]): Promise<string[]> {
  const urls = new Set(threads.flatMap((scripts) => scripts.map(({ url }) => url)));
  const lines: string[] = [];
  for (const url of [...urls].toSorted()) {
    const scripts = threads.flatMap((all) => all.filter((one) => one.url === url));
    lines.push(...(await neverTakenIn(fileURLToPath(url), scripts)));
  }
  return lines;
}

type Place = { readonly line: number; readonly column: number };
type Range = { readonly start: Place; readonly end: Place };

async function neverTakenIn(path: string, scripts: readonly ScriptCoverage[]): Promise<string[]> {
  const source = readFileSync(path, "utf8");
  // The types are replaced by blanks, so every place is the place in the source.
  const code = stripTypeScriptTypes(source);
  const rows = source.split("\n");
  const textOf = ({ start, end }: Range): string => {
    const row = rows[start.line - 1] ?? "";
    const last = end.line === start.line ? end.column : row.length;
    return row.slice(start.column, last).trim().slice(0, SHOWN);
  };
  const branches = new Map<string, number>();
  const functions = new Map<string, number>();
  for (const coverage of scripts) {
    // The conversion changes the tree.
    const [file] = Object.values(await convert({ code, ast: parseAst(code) as never, coverage }));
    if (file === undefined) continue;
    const { branchMap, b, fnMap, f } = "data" in file ? file.data : file;
    for (const [id, { decl }] of Object.entries(fnMap)) {
      const text = (rows[decl.start.line - 1] ?? "").trim().slice(0, SHOWN);
      const key = JSON.stringify([`the function of "${text}"`, id]);
      functions.set(key, (functions.get(key) ?? 0) + (f[id] ?? 0));
    }
    for (const [id, { type, loc, locations }] of Object.entries(branchMap)) {
      for (const [n, range] of locations.entries()) {
        const arm = type === "if" ? (n === 0 ? "then" : "else") : textOf(range);
        const key = JSON.stringify([`${textOf(loc)} | ${arm}`, loc.start, id, n]);
        branches.set(key, (branches.get(key) ?? 0) + (b[id]?.[n] ?? 0));
      }
    }
  }
  const numbered = numbering();
  const never = [...functions, ...branches].flatMap(([key, hits]) => {
    const text = numbered((JSON.parse(key) as [string])[0]);
    return hits > 0 ? [] : [text];
  });
  const file = relative(ROOT, path);
  return never.map((text) => `${file}: ${text}`);
}

/** Numbers the second and later ones of equal lines, whether they ran or not. */
function numbering(): (line: string) => string {
  const times = new Map<string, number>();
  return (line) => {
    const n = (times.get(line) ?? 0) + 1;
    times.set(line, n);
    return n === 1 ? line : `${line} (${n})`;
  };
}

/** The committed list, in lines of {@link neverTaken}; the other lines are comments. */
export const NEVER_TAKEN = pathToFileURL(join(import.meta.dirname, "never-taken.txt"));

export const parseList = (text: string): string[] =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

/** What has changed since the list was written. */
export function compareLists(
  listed: readonly string[],
  found: readonly string[],
): { readonly added: readonly string[]; readonly gone: readonly string[] } {
  const [before, now] = [new Set(listed), new Set(found)];
  return {
    added: found.filter((line) => !before.has(line)),
    gone: listed.filter((line) => !now.has(line)),
  };
}
