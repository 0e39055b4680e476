import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { changeRing, Client, coordinator, keysOf, settled, shardObject, startOver, until } from "./client.ts";

afterEach(() => startOver());

describe("[MB6] a shard moves its sessions though a write of the change has thrown:", () => {
  for (const row of ["descriptor", "timetable", "moves"])
    test(`of the row ${row}`, async () => {
      const [key = ""] = await keysOf("auto-1", 1);
      const ann = await Client.connect(key);
      await settled();
      await runInDurableObject(shardObject("auto-1"), (_, { storage: { kv } }) => {
        const put = kv.put.bind(kv);
        let hasFailed = false;
        const refuse = (name: string, value: unknown): void => {
          if (name === row && !hasFailed) {
            hasFailed = true;
            throw new Error("database or disk is full: SQLITE_FULL");
          }
          put(name, value);
        };
        Object.defineProperty(kv, "put", { configurable: true, value: refuse });
      });
      await changeRing({ kind: "drain", id: "auto-1" });
      expect(await ann.closed).toBe(4001);
      // The drain ends, and its moves are told.
      await until(async () => (await coordinator().cluster(CONTRACT)).ringEpoch === 3);
      const epochs = await coordinator().epochs(5, CONTRACT);
      expect(epochs.find(({ ringEpoch }) => ringEpoch === 2)).toMatchObject({ moved: 1 });
    });
});
