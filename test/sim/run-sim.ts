import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs `npm run sim`. Virtual time replaces the time of the whole process, so each run has a process of its own. */
export async function runSim(...args: string[]): Promise<{ code: number; output: string }> {
  const command = ["--disable-warning=ExperimentalWarning", "test/sim/run.ts", ...args];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 28 });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}
