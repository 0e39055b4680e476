import { expect, test } from "vitest";
import { Refusals, refusalsOf } from "../../../src/router/refusals.ts";

const told = (refusals: Refusals, now: number) => refusals.take(now)?.map(({ code, count }) => [code, count]);

test("[OP25] a router tells what it has refused once, and at most every five seconds", () => {
  const refusals = new Refusals();
  expect(told(refusals, 0)).toBeUndefined();
  for (const code of ["wrongKey", "foreignOrigin", "wrongKey", "notFound"]) refusals.note(code);
  expect(told(refusals, 0)).toEqual([
    ["wrongKey", 2],
    ["foreignOrigin", 1],
  ]);
  refusals.note("wrongKey");
  expect(told(refusals, 4_999)).toBeUndefined();
  expect(told(refusals, 5_000)).toEqual([["wrongKey", 1]]);
  expect(told(refusals, 60_000)).toBeUndefined();
});

test("[OP25] what could not be told is told later, with what came meanwhile", () => {
  const refusals = new Refusals();
  refusals.note("noKey");
  const codes = refusals.take(0);
  refusals.note("noKey");
  refusals.putBack(codes);
  expect(told(refusals, 5_000)).toEqual([["noKey", 2]]);
});

test("[OP25] each cluster of a Worker counts its own", () => {
  const [one, other] = [{}, {}];
  refusalsOf(one).note("noKey");
  expect(refusalsOf(other).take(0)).toBeUndefined();
  expect(refusalsOf(one).take(0)).toHaveLength(1);
});
