import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { settingsSchema } from "../../scripts/docs/settings-schema.ts";
import { linkModules, packed, type Packed } from "../support/packed.ts";

const root = join(import.meta.dirname, "../..");
const project = mkdtempSync(join(tmpdir(), "ringcast-package-"));
const installed = join(project, "node_modules/ringcast");
afterAll(() => rmSync(project, { recursive: true }));

let pack: Packed;

/** Runs a program of the development dependencies; answers with what it prints, also where it fails. */
function run(name: string, ...args: string[]): { readonly status: number; readonly printed: string } {
  // npm would make the command executable.
  const [command, before] =
    name === "ringcast"
      ? [process.execPath, [join(installed, manifest.bin.ringcast)]]
      : [join(root, "node_modules/.bin", name), []];
  try {
    const options = { cwd: project, encoding: "utf8", stdio: "pipe" } as const;
    return { status: 0, printed: execFileSync(command, [...before, ...args], options) };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { status, printed: `${stdout}${stderr}` };
  }
}

beforeAll(async () => {
  pack = await packed();
  await linkModules(project);
});

describe("[PK14] the package", () => {
  test("it holds the library, the page and the command, and nothing else", () => {
    const paths = pack.files.map(({ path }) => path);
    const other = paths.filter(
      (path) =>
        !/^(dist\/(lib|console)\/|dist\/wrangler\.schema\.json$|package\.json$|README\.md$|LICENSE$)/.test(
          path,
        ),
    );
    expect(other).toEqual([]);
    expect(paths.filter((path) => /(\.test\.|\.tsx?$)/.test(path) && !path.endsWith(".d.ts"))).toEqual([]);
    expect(pack.unpackedSize).toBeLessThan(4_000_000);
    const targets = Object.values(manifest.exports).flatMap((one) =>
      typeof one === "string" ? [one] : Object.values(one),
    );
    for (const target of [...targets, ...Object.values(manifest.bin), "dist/console/index.html"])
      expect(existsSync(join(installed, target)), target).toBe(true);
    expect(
      execFileSync(process.execPath, [join(installed, manifest.bin.ringcast), "--help"], {
        encoding: "utf8",
      }),
    ).toContain("verify");
  });

  test("publint and attw find no fault in its entry points", () => {
    expect(run("publint", "run", pack.tarball, "--strict")).toMatchObject({ status: 0 });
    expect(run("attw", pack.tarball, "--profile", "esm-only")).toMatchObject({ status: 0 });
  });
});

describe("[PK14] a project that checks its libraries and makes declarations", () => {
  const OPTIONS = {
    target: "es2024",
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    declaration: true,
    skipLibCheck: false,
  };
  const write = (file: string, text: string): void => {
    mkdirSync(join(project, file, ".."), { recursive: true });
    writeFileSync(join(project, file), text);
  };
  const compile = (folder: string, options: object): string => {
    const compilerOptions = { ...OPTIONS, ...options, rootDir: folder, outDir: `out/${folder}` };
    write(`tsconfig.${folder}.json`, JSON.stringify({ compilerOptions, include: [folder] }));
    return run("tsc", "-p", `tsconfig.${folder}.json`).printed;
  };

  test("a Worker with the types of Wrangler compiles", () => {
    const binding = (name: string, class_name: string) => ({ name, class_name });
    const classes = [
      binding("SHARD", "Shard"),
      binding("CHANNEL", "Channel"),
      binding("COORDINATOR", "Coordinator"),
    ];
    write(
      "wrangler.jsonc",
      JSON.stringify({
        name: "mine",
        main: "worker/index.ts",
        compatibility_date: "2026-10-20",
        durable_objects: { bindings: classes },
        migrations: [{ tag: "v1", new_sqlite_classes: classes.map(({ class_name }) => class_name) }],
        queues: { producers: [{ binding: "PUBLICATIONS", queue: "publications" }] },
        secrets: { required: ["API_KEY", "READ_KEY", "TOKEN_HMAC_SECRET"] },
        vars: { RINGCAST: { anonymous: true }, RINGCAST_NS_chat: { presence: true } },
      }),
    );
    write(
      "worker/realtime.ts",
      `import { createRingcast, defineChannels, type ClusterSettings, type NamespaceSettings } from "ringcast";
      import { z } from "zod";
      export const settings: ClusterSettings = { anonymous: true, shards: { initial: 2 } };
      export const options: NamespaceSettings = { presence: true, history_size: 10, history_ttl: "5m" };
      // @ts-expect-error -- the mode is wrong
      export const wrong: ClusterSettings = { scale: { mode: "yes" } };
      export const channels = defineChannels({ "chat:*": z.object({ text: z.string() }) });
      export const realtime = createRingcast({
        channels,
        hooks: {
          onPublish({ env, ctx, data }) {
            ctx.waitUntil(env.PUBLICATIONS.send({ channel: "chat:log", data }));
          },
        },
      });
      export const plain = createRingcast();`,
    );
    write(
      "worker/index.ts",
      `import { Hono } from "hono";
      import { realtime } from "./realtime";
      export class Shard extends realtime.Shard {}
      export class Channel extends realtime.Channel {}
      export class Coordinator extends realtime.Coordinator {}
      export class RingcastService extends realtime.RingcastService {}
      const app = new Hono<{ Bindings: Env }>();
      app.route("/realtime", realtime.routes());
      app.get("/token", async (c) => {
        const { result, error } = await realtime(c.env).token("ann", { info: { name: "Ann" } });
        return error === undefined ? c.json({ token: result.token }) : c.json(error, 500);
      });
      export default {
        fetch: app.fetch,
        queue: realtime.consumeQueue,
        async scheduled(_, env) {
          const { result, error } = await realtime(env).publish("chat:a", { text: "hi" });
          console.log(error?.message ?? result?.offset);
          // @ts-expect-error -- the objects of the cluster have no methods for others
          await env.CHANNEL.getByName("a").publish({});
        },
      } satisfies ExportedHandler<Env>;`,
    );
    expect(run("wrangler", "types", "worker/env.d.ts", "--include-runtime=false")).toMatchObject({
      status: 0,
    });
    expect(compile("worker", { lib: ["es2024"], types: ["@cloudflare/workers-types"] })).toBe("");
  });

  test("[FH9] `ringcast check` reads the configuration of each environment, before anything is deployed", () => {
    const coordinator = { name: "COORDINATOR", class_name: "Coordinator" };
    const staging = {
      vars: { RINGCAST: { shards: { initial: "4" } } },
      durable_objects: { bindings: [coordinator] },
    };
    const top = JSON.parse(readFileSync(join(project, "wrangler.jsonc"), "utf8"));
    write("staging.jsonc", `// A comment.\n${JSON.stringify({ ...top, env: { staging } })}`);
    expect(run("ringcast", "check", "--json")).toMatchObject({
      status: 0,
      printed: expect.stringContaining('"ok": true'),
    });
    const { status, printed } = run("ringcast", "check", "--config", "staging.jsonc");
    expect(status).toBe(1);
    expect(printed).toContain("staging.jsonc: 1 finding\n  warning: compatibility_flags: ");
    expect(printed).toContain("staging.jsonc, environment staging: ");
    expect(printed).toContain("error: durable_objects.bindings: there is no SHARD, ");
    expect(printed).not.toContain("there is no COORDINATOR");
    expect(printed).toContain("error: vars: RINGCAST.shards.initial: must be a number, not a text\n");
    expect(run("ringcast", "check", "--config", "staging.jsonc", "--env", "live")).toEqual({
      status: 2,
      printed: "ringcast: staging.jsonc has no environment live\n",
    });
  });

  test("[FH8] the schema of the package is that of the code, and finds Wrangler's", () => {
    const file = join(installed, "dist/wrangler.schema.json");
    const schema = JSON.parse(readFileSync(file, "utf8"));
    expect(schema).toEqual(JSON.parse(JSON.stringify(settingsSchema())));
    expect(existsSync(join(file, "..", schema.allOf[0].$ref))).toBe(true);
  });

  test("a page with the client and React compiles without the types of Workers, and a wrong type does not", () => {
    write(
      "page/channels.ts",
      `import { defineChannels } from "ringcast/channels";
      import { z } from "zod";
      export const channels = defineChannels({ "chat:*": z.object({ text: z.string() }) });`,
    );
    write(
      "page/page.tsx",
      `import { createClient } from "ringcast/client";
      import { useChannel, useConnection, usePresence } from "ringcast/react";
      import type { channels } from "./channels";
      export const client = createClient<typeof channels>({ url: "/realtime", key: "ann" });
      export const chat = client.channel("chat:a");
      export const stop = chat.listen((data) => console.log(data.text.length));
      // @ts-expect-error -- the type is wrong
      export const wrong = () => chat.publish({ text: 1 });
      export function Room() {
        const { data, publish, resume } = useChannel(client, "chat:a");
        const { members } = usePresence(client, "chat:a");
        const { status } = useConnection(client);
        const say = () => void publish({ text: "hi" });
        return <button onClick={say}>{status} {resume} {members?.length} {data.map(({ text }) => text).join()}</button>;
      }`,
    );
    expect(compile("page", { lib: ["es2024", "dom"], types: [], jsx: "react-jsx" })).toBe("");
  });
});
