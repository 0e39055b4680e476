/**
 * Measures only the Ringcast row of a checkout's cases: `bench/compare.ts` has one such process for each checkout.
 *
 * The process runs the checkout's own cases, load generator and Worker. Only `withRow` is replaced: it leaves out the
 * rows of other servers.
 */
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Case, Options, Round } from "../cases/case.ts";

/** `file`: a module in `bench/cases`. */
export type Measure = {
  readonly file: string;
  readonly exportName: string;
  readonly options: Options;
  readonly turn: number;
};
export type Measured = { readonly round: Round } | { readonly error: string };

const bench = `${pathToFileURL(resolve(process.argv[2] ?? ".")).href}/bench/`;
const rows = `${bench}lib/rows.ts`;
const ringcastRow = `${rows}?only=Ringcast`;
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const isReplaced = resolved.url === rows && context.parentURL !== ringcastRow;
    return isReplaced ? { url: ringcastRow, format: "module", shortCircuit: true } : resolved;
  },
  load(url, context, next) {
    if (url !== ringcastRow) return next(url, context);
    const source = `
      import { withRow as withAnyRow } from ${JSON.stringify(rows)};
      export * from ${JSON.stringify(rows)};
      export const withRow = async (name, ...rest) => name === "Ringcast" ? withAnyRow(name, ...rest) : {};
    `;
    return { format: "module", shortCircuit: true, source };
  },
});

process.on("message", (measure: Measure) => {
  void answer(measure).then((measured) => process.send?.(measured));
});
process.on("disconnect", () => process.exit(0));

async function answer({ file, exportName, options, turn }: Measure): Promise<Measured> {
  try {
    const cases = (await import(`${bench}cases/${file}`)) as Readonly<Record<string, Case>>;
    const one = cases[exportName];
    if (one === undefined) return { error: `${file} has no ${exportName}` };
    return { round: await one.round(options, turn) };
  } catch (error) {
    return { error: String(error) };
  }
}
