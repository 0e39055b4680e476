import { expect, test } from "vitest";
import { shardAddress } from "../../../src/contracts/address.ts";
import { TokenBucket } from "../../../src/platform/token-bucket.ts";
import { newSocketId } from "../../../src/socketio/names.ts";
import { ReachedRooms } from "../../../src/socketio/reached-rooms.ts";

const target = (...rooms: string[]) => ({ nsp: "/", rooms, except: [] });
const bucketOf = (burst: number) => new TokenBucket({ burst, perSecond: 1 }, 0);

test("[SO39] a room costs a client's token the first time, whoever reached it, and an id costs none", () => {
  const reached = new ReachedRooms();
  const [ann, bob] = [bucketOf(2), bucketOf(1)];
  const id = newSocketId(shardAddress("socketio", { region: "auto", id: "auto-1" }), "a".repeat(20));
  expect(reached.admit(target("a", "b", id), ann, 0)).toBe(true);
  expect(reached.admit(target("a", "b"), bob, 0)).toBe(true);
  expect(reached.admit(target("c"), ann, 0)).toBe(false);
  expect(reached.admit(target("c"), bob, 0)).toBe(true);
  // A namespace is a channel, too, and no room of the same name.
  expect(reached.admit({ nsp: "/made-up", rooms: [], except: [] }, bob, 0)).toBe(false);
  expect(reached.admit({ nsp: "/made-up", rooms: [], except: [] }, ann, 1_000)).toBe(true);
});

test("[SO39] a shard remembers 16,384 rooms, the ones that were used last", () => {
  const reached = new ReachedRooms();
  const rich = bucketOf(100_000);
  for (let n = 0; n < 16_384; n++) reached.admit(target(`room-${n}`), rich, 0);
  reached.admit(target("room-0"), rich, 0);
  reached.admit(target("one more"), rich, 0);
  const poor = bucketOf(1);
  expect(poor.take(0)).toBe(true);
  expect(reached.admit(target("room-0"), poor, 0)).toBe(true);
  expect(reached.admit(target("room-1"), poor, 0)).toBe(false);
});

test("[SO39] a name that is too long for a room costs its token each time, and is not remembered", () => {
  const reached = new ReachedRooms();
  const bucket = bucketOf(3);
  const long = target("x".repeat(10_000));
  const all = [long, long, target("red"), target("red"), target("red")];
  expect(all.map((one) => reached.admit(one, bucket, 0))).toEqual(all.map(() => true));
  expect(reached.admit(long, bucket, 0)).toBe(false);
});
