#!/usr/bin/env node
import { CommanderError } from "commander";
import { Failure } from "./failure.ts";
import { createProgram } from "./program.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  // Commander has printed its own message.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`ringcast: ${error.message}\n`);
  process.exit(2);
}
