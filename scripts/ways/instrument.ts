import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { parseAst } from "vite";

const SOURCES = new URL("../../src/", import.meta.url).href;
/** It stands around the calls, as the trace does. */
const METER = `${SOURCES}platform/usage-meter.ts`;
const TRACE = new URL("trace.ts", import.meta.url).href;

/** Makes trace.ts record every function of `src`. The caller MUST call this before it imports a module of `src`. */
export function instrumentSources(): void {
  registerHooks({
    load: (url, context, next) => {
      if (!url.startsWith(SOURCES) || !url.endsWith(".ts") || url === METER) return next(url, context);
      const code = stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"));
      return {
        format: "module",
        shortCircuit: true,
        source: instrument(code, url.slice(SOURCES.length)),
      };
    },
  });
}

type FunctionNode = {
  readonly type: unknown;
  readonly async: boolean;
  readonly generator: boolean;
  readonly body: { readonly type: string; readonly start: number; readonly end: number };
};

/**
 * Wraps each function's body into a call of `enter`. An arrow function does the wrapping, so `this`, `super` and
 * `arguments` stay what they are. No line is added: line numbers are those of the source.
 */
function instrument(code: string, file: string): string {
  const edits: { at: number; text: string }[] = [];
  for (const { async, generator, body } of functionsIn(parseAst(code))) {
    const line = code.slice(0, body.start).split("\n").length;
    const call = `__enter(${JSON.stringify(file)}, ${line}, `;
    const arrow = async ? "async () => " : "() => ";
    if (generator) {
      // An arrow function cannot yield, so only the entry of the generator is recorded.
      edits.push({ at: body.start + 1, text: `${call}() => undefined); ` });
    } else if (body.type === "BlockStatement") {
      edits.push({ at: body.start + 1, text: ` return ${call}${arrow}{` });
      edits.push({ at: body.end - 1, text: "}); " });
    } else {
      edits.push({ at: body.start, text: `${call}${arrow}(` }, { at: body.end, text: "))" });
    }
  }
  let result = code;
  // The edits go from the end to the start. At one place the outer function's edit comes behind the inner one's.
  for (const { at, text } of edits.toSorted((a, b) => b.at - a.at)) {
    result = result.slice(0, at) + text + result.slice(at);
  }
  return `import { enter as __enter } from ${JSON.stringify(TRACE)}; ${result}`;
}

const FUNCTIONS: ReadonlySet<unknown> = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
]);

function* functionsIn(node: object): Generator<FunctionNode> {
  if (isFunction(node)) yield node;
  for (const child of Object.values<unknown>({ ...node })) {
    if (typeof child === "object" && child !== null) yield* functionsIn(child);
  }
}

const isFunction = (node: object): node is FunctionNode => "type" in node && FUNCTIONS.has(node.type);
