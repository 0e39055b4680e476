import { expect, test } from "vitest";
import { REGIONS } from "../../../src/config/regions.ts";
import { shardAddress } from "../../../src/contracts/address.ts";
import { FRONT, newSocketId, parsePid, shardOfSocket } from "../../../src/socketio/names.ts";

test.for(REGIONS)("[SO21] the id of a socket names its shard in the region %s", (region) => {
  const shard = { region, id: `${region}-1` };
  const id = newSocketId(shardAddress(FRONT, shard), "x".repeat(20));
  expect(shardOfSocket(id)).toEqual(shard);
  expect(parsePid(`${id}~${"s".repeat(20)}`)?.id).toBe(id);
});
