#!/usr/bin/env node
import { CommanderError } from "commander";
import { Failure } from "./failure.ts";
import { plainLines } from "./output.ts";
import { createProgram } from "./program.ts";

// A reader that has gone, such as `head` or a terminal, ends no work: a trial has to give back its shard.
process.stderr.on("error", () => undefined);
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  if (code !== "EPIPE" && code !== "EIO") process.exitCode = 2;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  // Commander has printed its own message.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  // The status 1 is a fault that was found, and no other program's.
  if (error instanceof Failure) process.stderr.write(`ringcast: ${plainLines(error.message)}\n`);
  else console.error(error);
  process.exit(2);
}
