import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findLosses } from "../../../bench/lib/against.ts";
import { drawResults } from "../../../bench/lib/drawing.ts";
import { summarise, type Result } from "../../../bench/lib/report.ts";

/** The result of rounds in which a row connects so many times as fast as the bare object. */
const rounds = (...factors: readonly number[]): Result => ({
  about: "connects",
  date: "2026-11-29T12:00",
  machine: "2 cores, 24 GB; Node 24",
  rounds: factors.length,
  rows: summarise(
    factors.map((factor, n) => ({
      bare: { "connects/s": 1_000 * (n + 1), "p50 ms": 10 },
      Ringcast: { "connects/s": 1_000 * (n + 1) * factor, "p50 ms": 10 / factor },
    })),
  ),
});

describe("[SP2] a run is compared with the record", () => {
  const recorded = rounds(0.9, 0.88, 0.92);
  const losses = (now: Result) =>
    findLosses("connect", recorded, now).map(({ row, metric }) => `${row}, ${metric}`);

  test("figures that are more than a tenth worse are named, rates and times alike", () => {
    expect(losses(rounds(0.8, 0.79, 0.81))).toEqual(["Ringcast, connects/s", "Ringcast, p50 ms"]);
    expect(losses(rounds(0.85, 0.84, 0.86))).toEqual([]);
    expect(losses(rounds(1.2, 1.3, 1.1))).toEqual([]);
  });

  test("a slower machine is no loss, and neither is what the record has seen in one of its rounds", () => {
    const slower = rounds(0.9, 0.9, 0.9);
    const machine = { ...slower.rows["bare"]!["connects/s"]!, median: 10 };
    expect(losses({ ...slower, rows: { ...slower.rows, bare: { "connects/s": machine } } })).toEqual([]);
    expect(findLosses("connect", rounds(0.9, 0.9, 0.5), rounds(0.7, 0.7, 0.7))).toEqual([]);
  });

  test("the one row of a case is compared by its own figures", () => {
    const woke = (ms: number): Result => ({
      ...recorded,
      rows: summarise([{ Ringcast: { "call ms": ms, sessions: 8_000 } }]),
    });
    expect(findLosses("wake", woke(60), woke(70))).toMatchObject([
      { metric: "call ms", recorded: 60, now: 70 },
    ]);
    expect(findLosses("wake", woke(60), woke(65))).toEqual([]);
  });
});

test("[SP3] the drawing has the recorded figures: npm run bench -- --draw", () => {
  const file = (name: string) => readFileSync(join(import.meta.dirname, "../../../bench", name), "utf8");
  const drawing = drawResults(JSON.parse(file("results.json")) as Record<string, Result>);
  expect(file("results.svg")).toBe(drawing);
  expect(drawing).toContain("prefers-color-scheme: dark");
});
