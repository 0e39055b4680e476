import type { Command } from "commander";
import { createProgram } from "../../../src/cli/program.ts";
import { page } from "../markdown.ts";

/** docs/reference/command-line.md, of the help that the command prints. */
export function commandLinePage(): string {
  const program = createProgram();
  return page(
    "Command line: all options",
    "src/cli",
    "The help of each command, as `ringcast <command> --help` prints it. [The command line](../command-line.md) says what it is for.",
    ...describe(program, []),
  );
}

function describe(command: Command, parents: readonly string[]): string[] {
  const names = [...parents, command.name()];
  command.configureHelp({ helpWidth: 100 });
  return [
    `## ${names.join(" ")}`,
    `\`\`\`text\n${command.helpInformation().trimEnd()}\n\`\`\``,
    ...command.commands.filter((one) => one.name() !== "help").flatMap((one) => describe(one, names)),
  ];
}
