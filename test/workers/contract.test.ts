import { afterEach, describe, expect, test } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { channelObject, coordinator, errorOf, shard, startOver } from "./client.ts";

afterEach(() => startOver());

describe("[CT1] a caller of a contract that is further away is refused", () => {
  test("every object answers with an error that names both contracts", async () => {
    const far = CONTRACT + 2;
    for (const call of [
      () => shard("auto-1").status(far),
      () => coordinator().descriptor(far),
      () => channelObject("room").view(0, far),
    ])
      expect(await errorOf(call)).toBe(
        `ContractError: a call of contract ${far} reached an object of contract ${CONTRACT}`,
      );
  });
});
