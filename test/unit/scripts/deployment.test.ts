import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const MOST_BYTES = 640 * 1024;
/** The packages that `src` imports, and their own. A new one is a decision: each start of an isolate reads it. */
const PACKAGES = [
  "@socket.io/component-emitter",
  "@stablelib/base64",
  "fast-sha256",
  "fossil-delta",
  "hono",
  "is-network-error",
  "jose",
  "p-retry",
  "socket.io-parser",
  "standardwebhooks",
  "zod",
  "zod-openapi",
];

type Meta = { readonly outputs: Readonly<Record<string, { readonly inputs: Inputs }>> };
type Inputs = Readonly<Record<string, { readonly bytesInOutput: number }>>;

const directory = mkdtempSync(join(tmpdir(), "ringcast-deployment-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("[SP1] the deployment as shipped", () => {
  let inputs: Inputs = {};

  beforeAll(() => {
    const args = ["deploy", "--dry-run", "--outdir", directory, "--metafile"];
    execFileSync("wrangler", args, { stdio: "pipe" });
    const meta = JSON.parse(readFileSync(join(directory, "bundle-meta.json"), "utf8")) as Meta;
    const [output] = Object.entries(meta.outputs).filter(([name]) => name.endsWith("index.js"));
    inputs = output?.[1].inputs ?? {};
  });

  test("has few bytes", () => {
    const { size } = statSync(join(directory, "index.js"));
    expect(size).toBeGreaterThan(100_000);
    expect(size).toBeLessThanOrEqual(MOST_BYTES);
  });

  test("has the code of the Worker, and only the packages of this list", () => {
    const files = Object.keys(inputs).filter((file) => (inputs[file]?.bytesInOutput ?? 0) > 0);
    expect(files).toContain("src/index.ts");
    const own = files.filter((file) => !file.includes("node_modules/"));
    expect(own.filter((file) => !/^src\/(?!cli\/|console\/)/.test(file))).toEqual([]);
    const packages = files.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
    expect([...new Set(packages)].toSorted()).toEqual(PACKAGES);
    // The 50 languages of zod's messages have more bytes than all the rest of zod.
    const languages = files.filter((file) => file.includes("zod/v4/locales/"));
    expect(languages.map((file) => /[^/]+$/.exec(file)?.[0])).toEqual(["en.js"]);
  });
});
