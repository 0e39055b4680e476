import { expect, test } from "vitest";
import { wedges } from "../../../src/console/model/arcs.ts";
import { labelsOf } from "../../../src/console/model/wedge-label.ts";

const labels = (count: number) =>
  labelsOf(
    wedges(
      Array.from({ length: count }, (_, n) => ({ id: `auto-${n + 1}`, part: 1 })),
      0.012,
    ),
  );

test("[OP19] up to a hundred shards have labels in the ring: names, then numbers, then numbers along the radius", () => {
  expect(labels(8)[7]).toEqual({ text: "auto-8", along: "arc" });
  expect(labels(40)[39]).toEqual({ text: "40", along: "arc" });
  expect(labels(100)[99]).toEqual({ text: "100", along: "radius" });
  expect(labels(300)).not.toContainEqual(expect.anything());
  const sizes = [
    { id: "auto-1", from: 0, to: 3 },
    { id: "auto-2", from: 3, to: 3.15 },
    { id: "auto-3", from: 3.15, to: 3.21 },
    { id: "a-long-name-without-number", from: 3.3, to: 3.4 },
    { id: "auto-5", from: 3.4, to: 3.41 },
  ];
  expect(labelsOf(sizes).map((label) => label?.text)).toEqual(["1", "2", "3", undefined, undefined]);
});
