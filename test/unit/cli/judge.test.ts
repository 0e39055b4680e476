import { expect, test } from "vitest";
import { judge, UNSEEN, type Hearing, type Run } from "../../../src/cli/verify/judge.ts";

const log = (...ids: string[]) => ids.map((id, n) => ({ offset: n + 1, id }));

function run(
  hearing: Partial<Hearing>,
  fields: { acknowledged?: string[]; held?: { offset: number; id: string }[]; keeps?: number } = {},
): Run {
  return {
    acknowledged: new Map([["room", fields.acknowledged ?? ["a", "b", "c"]]]),
    logs: new Map([["room", fields.held ?? log("a", "b", "c")]]),
    ...(fields.keeps === undefined ? {} : { keeps: new Map([["room", fields.keeps]]) }),
    hearings: [
      { who: "ann", channel: "room", from: 0, heard: log("a", "b", "c"), unrecovered: [], ...hearing },
    ],
  };
}

/** How many laws of each kind a run breaks: lost, repeated, out of order, unjustified. */
const broken = (one: Run) => Object.values(judge(one)).map(({ length }) => length);

test("[DL1] the judge of chaos runs finds nothing in a faultless run", () => {
  expect(broken(run({}))).toEqual([0, 0, 0, 0]);
  // A publication that was never acknowledged may be there.
  expect(broken(run({}, { acknowledged: ["a", "c"] }))).toEqual([0, 0, 0, 0]);
  expect(broken(run({ from: 2, heard: [{ offset: 3, id: "c" }] }))).toEqual([0, 0, 0, 0]);
});

test("[DL1] it finds each kind of fault", () => {
  const [a, b, c] = log("a", "b", "c") as [Hearing["heard"][0], Hearing["heard"][0], Hearing["heard"][0]];
  expect(broken(run({ heard: [a, c] }))).toEqual([1, 0, 0, 0]);
  expect(broken(run({ heard: [a, b] }))).toEqual([1, 0, 0, 0]);
  expect(broken(run({ heard: [a, b, b, c] }))).toEqual([0, 1, 0, 0]);
  expect(broken(run({ heard: [a, b, c, a] }))).toEqual([0, 0, 1, 0]);
  expect(broken(run({ heard: [a, { offset: 2, id: "x" }, c] }))).toEqual([0, 0, 1, 0]);
  expect(broken(run({ heard: [a, c], unrecovered: [{ from: 1, to: 2 }] }))).toEqual([0, 0, 0, 1]);
  expect(broken(run({}, { acknowledged: ["a", "b", "c", "d"] }))).toEqual([1, 0, 0, 0]);
  expect(broken(run({}, { held: [...log("a", "b", "c"), { offset: 4, id: "a" }] }))).toEqual([1, 1, 0, 0]);
  expect(broken(run({}, { held: [a, b, { offset: 4, id: "c" }] }))[2]).toBeGreaterThan(0);
});

test("[DL1] it takes what was trimmed for an excuse, and nothing else", () => {
  const [a, b, c] = log("a", "b", "c") as [Hearing["heard"][0], Hearing["heard"][0], Hearing["heard"][0]];
  const trimmed = { from: 0, to: 2 };
  expect(broken(run({ heard: [c], unrecovered: [trimmed] }, { keeps: 1 }))).toEqual([0, 0, 0, 0]);
  expect(broken(run({ heard: [c], unrecovered: [trimmed] }, { keeps: 2 }))).toEqual([0, 0, 0, 1]);
  expect(broken(run({ heard: [c] }, { keeps: 1 }))).toEqual([1, 0, 0, 0]);
  expect(broken(run({ heard: [b, c], unrecovered: [trimmed] }, { keeps: 1 }))).toEqual([0, 1, 0, 0]);
  expect(broken(run({ heard: [a, c], unrecovered: [trimmed] }, { keeps: 1 }))).toEqual([1, 0, 0, 0]);
  // A publication that was trimmed before any client had heard it may be any that was acknowledged.
  const held = [a, { offset: 2, id: UNSEEN }, c];
  expect(broken(run({ heard: [a, c] }, { held, keeps: 1 }))).toEqual([1, 0, 0, 0]);
  expect(broken(run({ heard: [], unrecovered: [{ from: 0, to: 3 }] }, { held, keeps: 1 }))).toEqual([
    0, 0, 0, 0,
  ]);
});
