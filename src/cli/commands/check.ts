import type { Command } from "commander";
import { inspect, type Inspected } from "../check/inspect.ts";
import { readDeployments } from "../check/read.ts";
import { Output } from "../output.ts";

type Options = { readonly config?: string; readonly env?: string; readonly json?: boolean };

export function addCheck(program: Command): void {
  program
    .command("check")
    .description("look for what is missing or wrong in the Worker's configuration, before it is deployed")
    .option(
      "-c, --config <file>",
      "wrangler.jsonc, wrangler.json or wrangler.toml; the one in this folder unless given",
    )
    .option("-e, --env <name>", "one environment; all of them unless given")
    .option("--json", "print JSON, for programs")
    .action(async ({ config, env, json = false }: Options) => {
      const { path, deployments } = await readDeployments(config, env);
      const environments = deployments.map(inspect);
      const ok = environments.every(({ findings }) => findings.every(({ level }) => level !== "error"));
      new Output({ json }).result({ ok, path, environments }, () => textOf(path, environments));
      if (!ok) process.exitCode = 1;
    });
}

const textOf = (path: string, environments: readonly Inspected[]): string =>
  environments
    .map(({ environment, clusters, findings }) => {
      const of = environment === undefined ? path : `${path}, environment ${environment}`;
      const which = clusters.length > 1 ? `, ${clusters.length} clusters` : "";
      const lines = findings.map(({ level, message }) => `  ${level}: ${message}`);
      return [
        `${of}${which}: ${findings.length === 0 ? "nothing is missing" : count(findings.length)}`,
        ...lines,
      ].join("\n");
    })
    .join("\n");

const count = (findings: number): string => (findings === 1 ? "1 finding" : `${findings} findings`);
