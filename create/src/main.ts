#!/usr/bin/env node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Argument, Command, Option } from "commander";
import { CreateError, createProject } from "./create-project.ts";

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const TEMPLATES = readdirSync(join(root, "templates")).toSorted();
const [FIRST = ""] = TEMPLATES;

type Options = { readonly template?: string; readonly yes?: true };

await new Command("create-ringcast")
  .description(
    "Makes a project with Ringcast, a WebSocket cluster on Cloudflare Workers and Durable Objects.",
  )
  .version(version)
  .addArgument(new Argument("[directory]", "a new or an empty folder; its name is the Worker's"))
  .addOption(new Option("-t, --template <name>", "what to begin with").choices(TEMPLATES))
  .option("-y, --yes", "ask nothing")
  .addHelpText("after", "\nExample: npm create ringcast@latest my-chat -- --template react")
  .action(create)
  .parseAsync();

async function create(directory: string | undefined, { template, yes }: Options): Promise<void> {
  const ask = yes === true || !process.stdin.isTTY ? undefined : question;
  const chosen = {
    directory: directory ?? (await ask?.("The new folder", "my-ringcast")) ?? "my-ringcast",
    template: template ?? (await ask?.(`The template (${TEMPLATES.join(", ")})`, FIRST)) ?? FIRST,
  };
  try {
    if (!TEMPLATES.includes(chosen.template))
      throw new CreateError(
        `there is no template "${chosen.template}"; there are ${TEMPLATES.join(" and ")}`,
      );
    createProject(chosen);
  } catch (error) {
    // A file system that refuses has a reason of its own; all else is a bug.
    if (!(error instanceof CreateError || (error instanceof Error && "syscall" in error))) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
    return;
  }
  const [manager] = (process.env["npm_config_user_agent"] ?? "npm").split("/");
  console.log(`
  A project of the template ${chosen.template} is in ${chosen.directory}, with new secrets for this machine in .dev.vars.

    cd ${chosen.directory}
    ${manager} install
    ${manager} run dev
`);
}

async function question(text: string, otherwise: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${text} [${otherwise}]: `).catch(() => {
    // Ctrl-C.
    console.error("\nNothing was made.");
    process.exit(1);
  });
  terminal.close();
  return answer.trim() || otherwise;
}
