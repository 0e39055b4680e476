import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder of this run of the tests, for the packages that they share (packed.ts). */
    packs: string;
  }
}

export default function setup({ provide }: TestProject): () => void {
  const packs = mkdtempSync(join(tmpdir(), "ringcast-packs-"));
  provide("packs", packs);
  return () => rmSync(packs, { recursive: true });
}
