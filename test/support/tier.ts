import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** `quick`: `npm test`, one example of each long thing. `release`: `npm run test:release`, all of each. */
    tier: "quick" | "release";
  }
}

/** The size of something long in the run that is under way. */
export const tier = <T>(sizes: { readonly quick: T; readonly release: T }): T => sizes[inject("tier")];
