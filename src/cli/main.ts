#!/usr/bin/env node
import { CommanderError } from "commander";
import { Failure } from "./failure.ts";
import { plainLines } from "./output.ts";
import { createProgram } from "./program.ts";

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
