import { expect, test } from "vitest";
import { Occupancy, type OccupancyParts } from "../../../src/channel/occupancy.ts";

test("[BD13] a channel does not wait for a hook that the deployment has no more", () => {
  const kept = new Map<string, unknown>();
  const storage = {
    transactionSync: (work: () => void) => work(),
    kv: {
      get: (key: string) => kept.get(key),
      put: (key: string, value: unknown) => void kept.set(key, value),
    },
  };
  let isWanted = true;
  const occupancy = new Occupancy({
    ctx: { storage, waitUntil: () => undefined } as unknown as OccupancyParts["ctx"],
    channel: "room",
    events: { wants: () => isWanted, record: () => undefined },
    timetable: { arm: async () => undefined, at: () => undefined },
    graceMs: 1_000,
    shards: () => 0,
  });
  occupancy.entered();
  expect(occupancy.isOpen).toBe(true);
  isWanted = false;
  expect(occupancy.isOpen).toBe(false);
});
