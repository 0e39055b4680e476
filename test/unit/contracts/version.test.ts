import { expect, test } from "vitest";
import { checkContract, CONTRACT, ContractError } from "../../../src/contracts/version.ts";

test("[CT1] an object takes a call of its own contract, of the one before and of the one after", () => {
  for (const contract of [CONTRACT - 1, CONTRACT, CONTRACT + 1])
    expect(() => checkContract(contract)).not.toThrow();
});

test("[CT1] an object refuses a call of any other contract by name", () => {
  for (const contract of [CONTRACT - 2, CONTRACT + 2, -CONTRACT, Infinity, Number.NaN])
    expect(() => checkContract(contract)).toThrow(ContractError);
});

test("[CT1] the refusal names both contracts", () => {
  expect(() => checkContract(CONTRACT + 2)).toThrow(
    `a call of contract ${CONTRACT + 2} reached an object of contract ${CONTRACT}`,
  );
});

test("[CT1] an object refuses a call that names no contract, as release 0.1.0 named none", () => {
  const none = undefined as never;
  expect(() => checkContract(none)).toThrow(ContractError);
});
