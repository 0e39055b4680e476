import { expect, test } from "vitest";
import { addressKey, FIRST_FRONT, shardAddress } from "../../../src/contracts/address.ts";
import { guestsElsewhere } from "../../../src/coordinator/guests.ts";
import { movesKey } from "../../../src/coordinator/store.ts";

const holders = ["a", "b", "c"].map((id) => shardAddress(FIRST_FRONT, { id, region: "auto" }));
const [a, b, c] = holders as [(typeof holders)[0], (typeof holders)[0], (typeof holders)[0]];
type Status = { readonly ringEpoch: number; readonly guests?: Readonly<Record<string, number>> };

const ask = (epoch: number, statuses: Record<string, Status>, settled = holders) =>
  guestsElsewhere(a, {
    epoch,
    holders,
    statuses: new Map(
      holders.flatMap((one) => {
        const status = statuses[one.id];
        return status === undefined ? [] : [[addressKey(one), status] as const];
      }),
    ),
    settled: () => new Set(settled.map(movesKey)),
  });

const none = { ringEpoch: 4, guests: {} };

test("[EL31] one shard that has guests is enough", () => {
  expect(ask(4, { b: { ringEpoch: 4, guests: { a: 1 } } }, [])).toBe(true);
  expect(ask(4, { b: { ringEpoch: 4, guests: { c: 1 } }, c: none })).toBe(false);
});

test("[EL31] no guests are known only when every other shard has said so in the present epoch, after its moves", () => {
  expect(ask(4, { b: none, c: none })).toBe(false);
  expect(ask(4, { b: none })).toBe(null);
  expect(ask(4, { b: none, c: { ringEpoch: 3, guests: {} } })).toBe(null);
  // Release 0.2.0 counts no guests.
  expect(ask(4, { b: none, c: { ringEpoch: 4 } })).toBe(null);
  // A session that waits for its move may be where the present ring does not look for it.
  expect(ask(4, { b: none, c: none }, [a, b])).toBe(null);
  expect(ask(4, { b: none, c: none }, [b, c])).toBe(false);
});

test("[EL31] in the first epoch, a shard that nobody has used has nobody's guests", () => {
  expect(ask(1, { b: { ringEpoch: 1, guests: {} } }, [])).toBe(false);
  expect(ask(1, { b: { ringEpoch: 1 } }, [])).toBe(null);
});
