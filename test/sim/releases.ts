import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as present from "./release.ts";
import type { Release } from "./release.ts";
import { VARIABLES, VARIABLES_BEFORE } from "./variables.ts";

export type NamedRelease = {
  readonly name: string;
  readonly code: Release;
  /** The variables of a deployment of this release. */
  readonly variables: Readonly<Record<string, unknown>>;
};

/** The releases that can live in a history: the present code, and the release before it. */
export type TwoReleases = { readonly before: NamedRelease; readonly present: NamedRelease };

/** `scripts/keep-release.mjs` makes the release before. */
export const TWO_RELEASES: TwoReleases = {
  before: await readKept(),
  present: { name: "the present release", code: present, variables: VARIABLES },
};

async function readKept(): Promise<NamedRelease> {
  const folder = join(import.meta.dirname, "releases");
  const [file, ...more] = readdirSync(folder);
  if (file === undefined || more.length > 0)
    throw new Error("test/sim/releases must hold one release: run node scripts/keep-release.mjs");
  const code = (await import(pathToFileURL(join(folder, file)).href)) as Release;
  return { name: `release ${file.replace(/\.mjs$/u, "")}`, code, variables: VARIABLES_BEFORE };
}
