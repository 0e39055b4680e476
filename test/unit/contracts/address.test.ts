import fc from "fast-check";
import { expect, test } from "vitest";
import { REGIONS } from "../../../src/config/regions.ts";
import {
  addressKey,
  addressOfObject,
  FIRST_FRONT,
  readAddress,
  shardAddress,
} from "../../../src/contracts/address.ts";
import { objectName } from "../../../src/contracts/address.ts";

const front = fc.oneof(fc.constantFrom(FIRST_FRONT, "socketio"), fc.stringMatching(/^[a-z0-9_]{1,12}$/));
const shard = fc.record({
  id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
  region: fc.constantFrom(...REGIONS),
});

test("[FR2] an address is the same after it was sent, and after its object has read its own name", () => {
  fc.assert(
    fc.property(front, shard, (front, shard) => {
      const address = shardAddress(front, shard);
      expect(address).toEqual({ front, ...shard, name: objectName(shard) });
      expect(readAddress(structuredClone(address))).toEqual(address);
      expect(addressOfObject(front, address.name)).toEqual(address);
    }),
  );
});

test("[CT1] an address of contract 1 is that of a shard of the first front", () => {
  expect(readAddress({ name: "weur/weur-1", region: "weur" })).toEqual({
    front: "centrifuge",
    name: "weur/weur-1",
    region: "weur",
    id: "weur-1",
  });
});

test("[CT1] the key of a shard of the first front is its object's name, as in the rows of contract 1", () => {
  fc.assert(
    fc.property(shard, (shard) => {
      expect(addressKey(shardAddress(FIRST_FRONT, shard))).toBe(objectName(shard));
    }),
  );
});

test("[FR2] two addresses have one key only where they are one", () => {
  const close = fc.record({
    front: fc.constantFrom(FIRST_FRONT, "socketio", "auto"),
    id: fc.constantFrom("auto", "auto-1", "auto.1"),
    region: fc.constantFrom("auto", "apac", "apac-ne"),
  });
  fc.assert(
    fc.property(fc.array(close, { maxLength: 20 }), (addresses) => {
      const keys = addresses.map(({ front, ...shard }) => addressKey(shardAddress(front, shard)));
      const different = new Set(
        addresses.map(({ front, id, region }) => JSON.stringify([front, region, id])),
      );
      expect(new Set(keys).size).toBe(different.size);
    }),
  );
});

test("[FR2] an object whose name is none of a shard has no address", () => {
  for (const name of [undefined, "", "/weur-1"])
    expect(() => addressOfObject(FIRST_FRONT, name)).toThrow("region and id");
});

// A known fault: the last character of such a name is cut off and the rest is taken for the region.
test("[FR2] an object whose name lacks the region or the id has no address", () => {
  for (const name of ["weur-1", "weur/"])
    expect(() => addressOfObject(FIRST_FRONT, name)).toThrow("region and id");
});
