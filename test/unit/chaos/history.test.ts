import { expect, test } from "vitest";
import { judge, type Hearing, type Run } from "../../chaos/history.ts";

const log = (...ids: string[]) => ids.map((id, n) => ({ offset: n + 1, id }));

function run(
  hearing: Partial<Hearing>,
  fields: { acknowledged?: string[]; held?: { offset: number; id: string }[] } = {},
): Run {
  return {
    acknowledged: new Map([["room", fields.acknowledged ?? ["a", "b", "c"]]]),
    logs: new Map([["room", fields.held ?? log("a", "b", "c")]]),
    hearings: [
      { who: "ann", channel: "room", from: 0, heard: log("a", "b", "c"), unrecovered: 0, ...hearing },
    ],
  };
}

/** How many laws of each kind a run breaks: lost, repeated, out of order, unjustified. */
const broken = (one: Run) => Object.values(judge(one)).map(({ length }) => length);

test("[DL1] the judge of chaos runs finds nothing in a faultless run", () => {
  expect(broken(run({}))).toEqual([0, 0, 0, 0]);
  // What was never acknowledged may be there.
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
  expect(broken(run({ unrecovered: 1 }))).toEqual([0, 0, 0, 1]);
  expect(broken(run({}, { acknowledged: ["a", "b", "c", "d"] }))).toEqual([1, 0, 0, 0]);
  expect(broken(run({}, { held: [...log("a", "b", "c"), { offset: 4, id: "a" }] }))).toEqual([1, 1, 0, 0]);
  expect(broken(run({}, { held: [a, b, { offset: 4, id: "c" }] }))[2]).toBeGreaterThan(0);
});
