import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { experimental_readRawConfig } from "wrangler";
import manifest from "../../package.json" with { type: "json" };
import { createProgram } from "../../src/cli/program.ts";
import { parseConfig } from "../../src/config/config.ts";
import { codeBlocks, codeBlocksOf, PAGES, type CodeBlock } from "../support/code-blocks.ts";
import { API_KEY, HMAC_SECRET, startCluster } from "../support/cluster.ts";

const root = join(import.meta.dirname, "../..");
mkdirSync(join(root, "dist"), { recursive: true });
const folder = mkdtempSync(join(root, "dist/documentation-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The platforms that blocks are written for, with their compiler options. */
const PLATFORMS = {
  worker: { types: ["@cloudflare/workers-types"] },
  // Parameters of JavaScript have no types.
  page: { lib: ["es2024", "dom", "dom.iterable"], types: ["react"], jsx: "react-jsx", noImplicitAny: false },
  node: { types: ["node"] },
} as const;
type Platform = keyof typeof PLATFORMS;

function platformOf({ language, text }: CodeBlock): Platform {
  if (/"ringcast\/testing"|"jose"|process\.env/.test(text)) return "node";
  if (language !== "ts" || /"ringcast\/(client|react)"/.test(text)) return "page";
  return "worker";
}

/** The sources of the entry points of the package, as its `exports` name them. */
const paths = Object.fromEntries(
  Object.entries(manifest.exports).flatMap(([entry, target]) => {
    if (typeof target === "string") return [];
    const source = target.types.replace("./dist/lib/", "src/").replace(/\.d\.ts$/, ".ts");
    return [[entry.replace(/^\./, manifest.name), [join(root, source)]]];
  }),
);

/** The files of a page that a block needs: those above it that it imports, and those that they import. */
function importsOf(block: CodeBlock, above: readonly CodeBlock[]): CodeBlock[] {
  const names = [...block.text.matchAll(/from "\.\/([\w-]+)(?:\.ts)?"/g)].map(([, name]) => name);
  return names.flatMap((name) => {
    const found = above.findLast(({ file }) => file !== undefined && parse(file).name === name);
    return found === undefined ? [] : [found, ...importsOf(found, above)];
  });
}

/** Writes each block into a folder of its own, beside the files of its page that it imports. */
function writeBlocks(platform: Platform, blocks: readonly CodeBlock[]): void {
  for (const [n, block] of blocks.entries()) {
    if (platformOf(block) !== platform) continue;
    const above = blocks.slice(0, n).filter(({ page }) => page === block.page);
    for (const one of [block, ...importsOf(block, above)]) {
      const name = one.file ?? `block.${one.language}`;
      const path = join(folder, platform, block.at.replaceAll(/[/:]/g, "-"), name);
      mkdirSync(dirname(path), { recursive: true });
      // A block without an import or export is a module, too.
      writeFileSync(path, `${one.text}\nexport {};\n`);
    }
  }
  const options = {
    ...PLATFORMS[platform],
    allowJs: true,
    checkJs: true,
    noUnusedLocals: false,
    exactOptionalPropertyTypes: false,
    noUncheckedIndexedAccess: false,
    paths,
  };
  const ambient = join(root, "test/support/docs", `${platform}.d.ts`);
  writeFileSync(
    join(folder, `tsconfig.${platform}.json`),
    JSON.stringify({
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: options,
      include: [platform],
      files:
        platform === "node" ? [] : [ambient, ...(platform === "worker" ? [join(root, "src/env.ts")] : [])],
    }),
  );
}

/** The variables of a block for Wrangler. It may be a part of a file. */
function varsOf({ language, text }: CodeBlock): Record<string, unknown> {
  const path = join(folder, `block.${language}`);
  writeFileSync(path, text);
  const { rawConfig } = experimental_readRawConfig({ config: path });
  return rawConfig.vars ?? {};
}

/** The settings of a cluster with a prefix are under the usual names when they are parsed. */
const withoutPrefix = (vars: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(vars).map(([name, value]) => [name.replace(/^[A-Z]+_(?=RINGCAST)/, ""), value]),
  );

/** The commands of a block for a shell, without comments. A line that ends with a backslash goes on. */
const commandsOf = ({ text }: CodeBlock): string[] =>
  text
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .flatMap((line) => line.replace(/(^|\s)#\s.*$/, "").split(" && "))
    .map((command) => command.trim())
    .filter((command) => command !== "");

/** What is wrong with a command; undefined where it exists, with each long option that it is given. */
function faultOf(command: string): string | undefined {
  const [program = "", ...words] = command.split(/\s+/);
  const options = words.filter((word) => /^--\w/.test(word)).map((word) => word.split("=")[0]);
  if (program === "npm") return faultOfNpm(words);
  if (program === "npx")
    return words[0] === "ringcast" ? faultOfRingcast(words.slice(1), options) : undefined;
  if (program === "ringcast") return faultOfRingcast(words, options);
  if (program === "node")
    return words.some(
      (word) => /\.m?[jt]s$/.test(word) && (existsSync(join(root, word)) || written.has(word)),
    )
      ? undefined
      : "there is no such file";
  return KNOWN.has(program) || /^\w+=/.test(program) ? undefined : "there is no such program";
}

const KNOWN = new Set(["curl", "git", "cd", ".", "export"]);
/** The files that a reader is told to write. */
const written = new Set(codeBlocks("ts", "js").flatMap(({ file }) => file ?? []));

function faultOfNpm([verb = "", script = "", ...rest]: readonly string[]): string | undefined {
  const name = verb === "run" ? script : verb;
  if (["install", "ci", "pack", "exec", "create"].includes(name)) return undefined;
  if (!(name in manifest.scripts)) return "package.json has no such script";
  if (name !== "ringcast") return undefined;
  const words = rest.slice(rest.indexOf("--") + 1);
  return faultOfRingcast(
    words,
    words.filter((word) => /^--\w/.test(word)),
  );
}

function faultOfRingcast(
  words: readonly string[],
  options: readonly (string | undefined)[],
): string | undefined {
  let command = createProgram();
  for (const word of words) {
    const inner = command.commands.find((one) => one.name() === word);
    if (inner === undefined) break;
    command = inner;
  }
  if (command.parent === null && words.some((word) => !word.startsWith("-")))
    return "ringcast has no such command";
  const known = new Set(["--help", "--version", ...command.options.map(({ long }) => long)]);
  return options.every((option) => known.has(option)) ? undefined : `${command.name()} has no such option`;
}

describe("[DO3] the code blocks of README.md and docs", () => {
  test.each(Object.keys(PLATFORMS) as Platform[])("those for a %s compile", (platform) => {
    writeBlocks(platform, codeBlocks("ts", "tsx", "js"));
    let printed = "";
    try {
      execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", `tsconfig.${platform}.json`], {
        cwd: folder,
        encoding: "utf8",
      });
    } catch (error) {
      printed = (error as { stdout: string }).stdout;
    }
    expect(printed).toBe("");
  });

  test("those with settings parse, and the settings are valid", () => {
    const blocks = codeBlocks("toml", "json", "jsonc");
    expect(blocks.length).toBeGreaterThan(5);
    for (const block of blocks) {
      const vars = withoutPrefix(varsOf(block));
      const secret = JSON.stringify(vars).includes('"webhook"')
        ? { WEBHOOK_SECRET: "c2VjcmV0".repeat(4) }
        : {};
      expect(() => parseConfig({ ...vars, ...secret }), block.at).not.toThrow();
    }
  });

  test("those for a shell name commands, scripts, files and options that exist", () => {
    const blocks = codeBlocks("sh");
    expect(blocks.length).toBeGreaterThan(5);
    const faults = blocks.flatMap((block) =>
      commandsOf(block).flatMap((command) => {
        const fault = faultOf(command);
        return fault === undefined ? [] : [`${block.at}: ${command}: ${fault}`];
      }),
    );
    expect(faults).toEqual([]);
  });

  test("a command that does not exist is found", () => {
    const bad = [
      "npm run nothing",
      "ringcast nothing",
      "ringcast verify --nothing",
      "node nothing.ts",
      "nothing",
    ];
    expect(bad.map(faultOf)).not.toContain(undefined);
  });

  test("each block is in a language that is checked", () => {
    const checked = ["ts", "tsx", "js", "toml", "json", "jsonc", "sh", "text", "html"];
    const others = PAGES.flatMap(codeBlocksOf).filter(({ language }) => !checked.includes(language));
    expect(others.map(({ at, language }) => `${at}: ${language}`)).toEqual([]);
  });
});

/** Runs a block in JavaScript in Node, and answers with the first line that it prints. A page's first one has no `file`. */
function runBlock(
  { page, file }: { readonly page: string; readonly file?: string },
  change: (text: string) => string,
  env: Readonly<Record<string, string>> = {},
) {
  const block = codeBlocksOf(page).find((one) =>
    file === undefined ? one.language === "js" : one.file === file,
  );
  if (block === undefined) throw new Error(`${page} has no ${file ?? "block in JavaScript"}`);
  const path = join(folder, `${parse(file ?? page).name}.mjs`);
  writeFileSync(path, change(block.text));
  const child = spawn(process.execPath, [path], { env: { ...process.env, ...env } });
  return new Promise<string>((resolve, reject) => {
    let printed = "";
    let failed = "";
    child.stderr.on("data", (data) => (failed += data));
    child.stdout.on("data", (data) => {
      printed += data;
      if (!printed.includes("\n")) return;
      child.kill();
      resolve(printed.split("\n")[0] ?? "");
    });
    child.on("exit", () => reject(new Error(`${block.at} printed nothing: ${failed}`)));
  });
}

const START = "docs/start.md";

describe("[DO3] Start in five minutes, as it is written", () => {
  test("the first message arrives, and so does that of README.md", async () => {
    const cluster = await startCluster();
    const at = (text: string) => text.replace("localhost:8787", cluster.url.host);
    expect(await runBlock({ page: START, file: "first.mjs" }, at)).toBe("{ hello: 'world' }");
    expect(await runBlock({ page: "README.md" }, at)).toBe("{ hello: 'world' }");
    await cluster.stop();
  });

  test("a deployment takes the token that a back end has made, and no client without one", async () => {
    const cluster = await startCluster({
      cluster: { development: false, insecure: false, anonymous: false },
    });
    const token = await runBlock({ page: START, file: "token.mjs" }, (text) => text, {
      TOKEN_HMAC_SECRET: HMAC_SECRET,
    });
    const at = (text: string) =>
      text.replace("wss://ringcast.example.workers.dev", `ws://${cluster.url.host}`);
    const answer = (body: object) =>
      `globalThis.fetch = async () => ({ json: async () => (${JSON.stringify(body)}) });`;
    expect(
      await runBlock({ page: START, file: "page.js" }, (text) => `${answer({ token })}\n${at(text)}`),
    ).toBe("ann { hello: 'world' }");
    const closed = 'client.on("disconnected", ({ code }) => console.log(code));\nclient.connect();';
    const bare = (text: string) =>
      at(text)
        .replace(/, \{\n.*?\n\}\)/s, ")")
        .replace(/client\.connect\(\);.*/, closed);
    expect(await runBlock({ page: START, file: "page.js" }, bare)).toBe("3501");
    await cluster.stop();
  });
});

/** The words of a command for a shell, without their quotes; `$API_KEY` is the key of the tests. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) =>
    (match[1] ?? match[2] ?? match[3] ?? "").replaceAll("$API_KEY", API_KEY),
  );

/** The request of a curl command, to a cluster of the tests. */
function requestOf(command: string, cluster: URL): Request {
  const [, ...words] = wordsOf(command);
  const init: { method?: string; body?: string; headers: [string, string][] } = { headers: [] };
  let url: URL | undefined;
  for (let n = 0; n < words.length; n++) {
    const word = words[n] ?? "";
    const next = () => words[++n] ?? "";
    if (word === "-X") init.method = next();
    else if (word === "-d") init.body = next();
    else if (word === "-H") init.headers.push(next().split(": ", 2) as [string, string]);
    else if (!word.startsWith("-") && url === undefined) url = new URL(word);
    else throw new Error(`the test does not know ${word} of ${command}`);
  }
  if (url === undefined) throw new Error(`there is no address in ${command}`);
  const method = init.method ?? (init.body === undefined ? "GET" : "POST");
  return new Request(new URL(url.pathname + url.search, cluster), { ...init, method });
}

const commandsThat = (begins: string) =>
  codeBlocks("sh").flatMap((block) =>
    commandsOf(block)
      .filter((command) => command.startsWith(begins))
      .map((command) => ({ at: block.at, command })),
  );

describe("[DO3] the commands of README.md and docs that can run", () => {
  test("each request of a curl command is answered with success", async () => {
    const cluster = await startCluster({ local: true, namespaces: { chat: {}, orders: {} } });
    const commands = commandsThat("curl ");
    expect(commands.length).toBeGreaterThan(5);
    const failed: string[] = [];
    for (const { at, command } of commands) {
      const response = await fetch(requestOf(command, cluster.url));
      const text = await response.text();
      // The server API answers its errors with status 200.
      if (!response.ok || "error" in JSON.parse(text)) failed.push(`${at}: ${response.status} ${text}`);
    }
    expect(failed).toEqual([]);
    await cluster.stop();
  });

  test.each(commandsThat("npm run simulate"))("$at: $command", ({ command }) => {
    const [program = "", ...words] = wordsOf(manifest.scripts.simulate);
    const [, options = ""] = command.split(" -- ");
    const printed = execFileSync(program, [...words, ...wordsOf(options)], { cwd: root, encoding: "utf8" });
    expect(printed).toMatch(/│ in all +│ '\d/);
    expect(printed).not.toMatch(/NaN|undefined/);
  });

  test.each(codeBlocks("ts").filter(({ text }) => text.includes('from "ringcast/testing"')))(
    "$at: the tests of a project",
    ({ at, text }) => {
      const path = join(folder, `${at.replaceAll(/[/:]/g, "-")}.ts`);
      writeFileSync(path, text.replace("ringcast/testing", join(root, "src/testing/testing.ts")));
      const project = join(root, "test/support/entries");
      const run = () =>
        execFileSync(process.execPath, [path], { cwd: project, timeout: 240_000, stdio: "pipe" });
      expect(run).not.toThrow();
    },
  );
});
