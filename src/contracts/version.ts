/**
 * The version of what objects say to each other (SPEC CT1). It travels as the last argument of every call.
 *
 * A deployment reaches a busy object minutes late, so an object talks to the releases before and after its own. A
 * request keeps every field that the release before reads; an answer has the shape of the caller's contract. To change
 * a shape: raise this number once in a release, and keep the fixtures of the version before (test/fixtures).
 */
export const CONTRACT = 3;

/** The caller and the object are more than one release apart. The caller's retries bridge the deployment. */
export class ContractError extends Error {
  override readonly name = "ContractError";
}

/** Throws {@link ContractError} where this release cannot understand a caller: also where the caller names no contract. */
export function checkContract(contract: number): void {
  if (Math.abs(contract - CONTRACT) <= 1) return;
  throw new ContractError(`a call of contract ${contract} reached an object of contract ${CONTRACT}`);
}

/** A contract as its object keeps it: an answer may be there at once. */
export type Served<Contract> = {
  [Method in keyof Contract]: Contract[Method] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer | Promise<Answer>
    : never;
};
