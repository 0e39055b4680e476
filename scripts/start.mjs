// Runs a whole cluster on this machine: workerd through `wrangler dev`, with its state in .wrangler.
import "./setup.mjs";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { localConfig } from "./local-config.mjs";
import { hold } from "./start-lock.mjs";

const port = process.env.PORT ?? "8787";
if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
  fail(`PORT is "${port}"; it must be a whole number from 1 to 65535, as in PORT=8788 npm start.`);
const url = `http://localhost:${port}`;
const SECRETS = ["API_KEY", "READ_KEY", "TOKEN_HMAC_SECRET"];

await requireAlone();
await requireFree(Number(port));
if (!existsSync(".dev.vars")) {
  const lines = SECRETS.map((name) => `${name}=${randomBytes(24).toString("hex")}`);
  writeFileSync(".dev.vars", `${lines.join("\n")}\n`, { mode: 0o600 });
  console.log("Wrote .dev.vars with new random secrets (git ignores it).");
}
// As Wrangler reads it: the value may be in quotes.
const apiKey = /^API_KEY=\s*(["']?)(.*?)\1\s*$/m.exec(readFileSync(".dev.vars", "utf8"))?.[2] ?? "";
// The local cluster permits everything without a token, and an operator may crash a shard.
const overrides = JSON.stringify({ development: true, insecure: true, anonymous: true });

// Beside wrangler.toml, so that paths, secrets and state are the same.
const CONFIG = "wrangler.local.toml";
writeFileSync(CONFIG, localConfig(readFileSync("wrangler.toml", "utf8")));

console.log("Starting the cluster ...");
const server = spawn(
  "wrangler",
  ["dev", "--config", CONFIG, "--port", port, "--var", `RINGCAST_OVERRIDES:${overrides}`],
  {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" },
  },
);
let isStopped = false;
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    isStopped = true;
    server.kill(signal);
  });
server.on("exit", (code) => process.exit(isStopped ? 0 : (code ?? 1)));

if (!(await untilReady())) {
  server.kill();
  fail("The cluster did not answer within a minute. The output of wrangler is above.");
}
console.log(`
  Ringcast runs at ${url}

  The console ${url}/#key=${apiKey}
  Connect     new Centrifuge("${url.replace("http", "ws")}/connection/websocket?key=ann")   (npm install centrifuge)
              io("${url}").emit("join", "lobby")   (npm install socket.io-client)
  The shards  curl -H 'X-API-Key: ${apiKey}' ${url}/admin/api/cluster
  One more    curl -H 'X-API-Key: ${apiKey}' -H 'Content-Type: application/json' -d '{"count":1}' ${url}/admin/api/shards

  npm run demo shows how a cluster moves 200 clients.   Ctrl-C stops the cluster; its state stays in .wrangler.
`);

async function untilReady() {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    try {
      if ((await fetch(url)).ok) return true;
    } catch {
      // The server is not up yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** Ends with an error if the port is in use, because wrangler would take another port than the printed one. */
async function requireFree(wanted) {
  const probe = createServer();
  const taken = await new Promise((resolve) => {
    probe.once("error", () => resolve(true));
    probe.listen(wanted, "127.0.0.1", () => probe.close(() => resolve(false)));
  });
  if (taken)
    fail(`Port ${wanted} is in use. Stop the program that uses it, or start with PORT=8788 npm start.`);
}

/** Ends with an error if `npm start` runs from this folder, because the two would share their state. */
async function requireAlone() {
  mkdirSync(".wrangler", { recursive: true });
  const path = process.platform === "win32" ? `\\\\.\\pipe\\${process.cwd()}` : ".wrangler/start.sock";
  const other = await hold(path, `at ${url}, as process ${process.pid}`);
  if (other !== undefined)
    fail(
      `A cluster runs from this folder already, ${other}. Stop it first, or start another in a copy of the folder.`,
    );
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
