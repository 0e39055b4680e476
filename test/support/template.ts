import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { openPage } from "./browser.ts";
import { eventually } from "./cluster.ts";

const ENV = {
  ...process.env,
  CI: "true",
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/** Runs npm in a project; rejects with what was printed. */
export async function npm(project: string, ...args: string[]): Promise<string> {
  const ended = promisify(execFile)("npm", args, { cwd: project, env: ENV, maxBuffer: 64 * 1024 * 1024 });
  const { stdout } = await ended.catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`npm ${args.join(" ")}: ${error.stdout}${error.stderr}`);
  });
  return stdout;
}

/** Runs `npm run dev` of a project while `use` runs. */
export async function whileServed(
  project: string,
  port: number,
  use: (url: string) => Promise<void>,
): Promise<void> {
  // A group of its own, as npm does not end what it has started.
  const server = spawn("npm", ["run", "dev", "--", "--port", String(port)], {
    cwd: project,
    env: ENV,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (text) => (printed += text));
  const url = `http://localhost:${port}`;
  try {
    await eventually(async () => {
      if (server.exitCode !== null) throw new Error(`npm run dev has ended: ${printed}`);
      return fetch(url).then(
        ({ ok }) => ok,
        () => false,
      );
    });
    await use(url);
  } finally {
    const ended = server.exitCode === null ? once(server, "exit") : undefined;
    if (server.pid !== undefined && ended !== undefined) process.kill(-server.pid, "SIGTERM");
    await ended;
  }
}

/** Two people enter the page of a template; the second reads what the first says. Answers with the pages' problems. */
export async function chatInBrowser(browser: Browser, url: string): Promise<string[]> {
  const [ann, bob] = await Promise.all([openPage(browser), openPage(browser)]);
  for (const [name, { page }] of [["Ann", ann] as const, ["Bob", bob] as const]) {
    await page.goto(url);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Enter" }).click();
    await page
      .getByRole("status")
      .getByText(/subscribed|connected/)
      .waitFor();
  }
  await ann.page.getByLabel("Message", { exact: true }).fill("the first message");
  await ann.page.getByRole("button", { name: "Send" }).click();
  await bob.page.getByText("Ann the first message").waitFor();
  return [ann, bob].flatMap(({ problems, foreign }) => [...problems, ...foreign]);
}
