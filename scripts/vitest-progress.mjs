// A reporter of vitest. It sends the progress and the failures of the tests to scripts/steps.mjs over a channel.
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

const FRAMES = 8;
const tell = (message) => process.send?.(message);

export default class VitestProgress {
  onTestRunStart(specifications) {
    tell({ kind: "start", files: specifications.length });
  }

  onTestModuleStart(module) {
    tell({ kind: "fileStart", file: fileOf(module) });
  }

  onTestCaseResult(test) {
    const { state, errors } = test.result();
    if (state === "passed") return tell({ kind: "test" });
    // A skipped test counts as a failure, because it has shown nothing.
    const text = state === "skipped" ? "skipped" : (errors ?? []).map(textOf).join("\n");
    tell({ kind: "failure", file: fileOf(test.module), name: test.fullName, text });
  }

  onTestSuiteResult(suite) {
    for (const error of suite.errors())
      tell({ kind: "failure", file: fileOf(suite.module), name: suite.fullName, text: textOf(error) });
  }

  onTestModuleEnd(module) {
    for (const error of module.errors())
      tell({ kind: "failure", file: fileOf(module), name: "the file itself", text: textOf(error) });
    tell({ kind: "fileEnd", file: fileOf(module) });
  }

  async onTestRunEnd(modules, unhandledErrors) {
    for (const error of unhandledErrors)
      tell({ kind: "failure", file: "no file", name: "an error outside of any test", text: textOf(error) });
    const states = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    );
    const passed = states.filter((state) => state === "passed").length;
    // vitest ends the process soon after this.
    await new Promise((sent) => {
      if (process.send === undefined) return sent();
      process.send({ kind: "end", passed, failed: states.length - passed }, sent);
    });
  }
}

const fileOf = (module) => relative(process.cwd(), module.moduleId);

/** The message of an error, the difference, and its place in this repository. */
function textOf(error) {
  const frames = (error.stacks ?? [])
    .filter(({ file }) => !file.includes("node_modules"))
    .slice(0, FRAMES)
    .map(
      ({ file, line, column, method }) =>
        `    at ${method} ${relative(process.cwd(), file)}:${line}:${column}`,
    );
  const parts = [`${error.name ?? "Error"}: ${error.message}`, error.diff, ...frames];
  if (frames.length === 0 && error.stack !== undefined) parts.push(error.stack);
  if (error.cause !== undefined && error.cause !== null)
    parts.push(`caused by ${textOf(Object(error.cause))}`);
  return stripVTControlCharacters(parts.filter((part) => part !== undefined).join("\n"));
}
