import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** `quick`: `npm test`, with small sizes for long tests. `release`: `npm run test:release`, with full sizes. */
    tier: "quick" | "release";
  }
}

/** The size of a long test in the present run. */
export const tier = <T>(sizes: { readonly quick: T; readonly release: T }): T => sizes[inject("tier")];
