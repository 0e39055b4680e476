import { expect, test } from "vitest";
import { settles } from "../../../../src/shard/subscriptions/resume.ts";

test("[DL6] what a shard remembers proves a resume, and refutes it only where it is all that the log holds", () => {
  const publications = [5, 6].map((offset) => ({ kind: "pub" as const, offset, body: "{}" }));
  const remembered = { logEpoch: "e", top: 6, publications };
  const resume = (offset: number, logEpoch = "e") =>
    ({ since: { logEpoch, offset }, mode: "stream" }) as const;
  expect(settles({ ...remembered, whole: false }, resume(4))).toBe(true);
  expect(settles({ ...remembered, whole: false }, resume(2))).toBe(false);
  expect(settles({ ...remembered, whole: true }, resume(2))).toBe(true);
  // Another log, and a place that only a newer view can know.
  expect(settles({ ...remembered, whole: true }, resume(2, "other"))).toBe(false);
  expect(settles({ ...remembered, whole: true }, resume(7))).toBe(false);
});
