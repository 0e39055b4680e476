import { describe, expect, test } from "vitest";
import { stepOutage, suspect, type OutageChange, type Watch } from "../../../src/elastic/outage.ts";

const PAUSE_MS = 1_000;
const HOUR_MS = 1_200 * PAUSE_MS;

/** A region of some shards under the rules, in virtual time: the checks happen when they are due. */
class Region {
  now = 1_000_000;
  watch: Watch | undefined;
  checks = 0;
  homeAnswers = true;
  readonly silent = new Set<string>();
  readonly changes: (OutageChange & { readonly at: number })[] = [];
  readonly states: Map<string, "active" | "down">;

  constructor(ids: readonly string[]) {
    this.states = new Map(ids.map((id) => [id, "active"]));
  }

  suspect(): void {
    this.watch = suspect(this.watch, this.now);
  }

  /** Runs the checks that are due within `ms`. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const nextAt = this.watch?.nextAt ?? null;
      if (this.watch === undefined || nextAt === null || nextAt > until) break;
      this.now = Math.max(this.now, nextAt);
      this.checks += 1;
      const shards = [...this.states].map(([id, state]) => ({ id, state }));
      const answered = new Set(shards.map(({ id }) => id).filter((id) => !this.silent.has(id)));
      const { homeAnswers, now } = this;
      const step = stepOutage(this.watch, {
        region: "enam",
        shards,
        answered,
        homeAnswers,
        pauseMs: PAUSE_MS,
        now,
      });
      this.watch = step.watch;
      if (step.change === undefined) continue;
      this.changes.push({ ...step.change, at: now });
      for (const id of step.change.ids)
        this.states.set(id, step.change.kind === "outage" ? "down" : "active");
    }
    this.now = until;
  }

  get kinds(): string[] {
    return this.changes.map(({ kind, ids }) => `${kind} ${ids.join(" ")}`);
  }
}

describe("[EL41] the coordinator declares an outage", () => {
  test("a region goes down after three checks in a row without an answer, and as a whole", () => {
    const region = new Region(["enam-1", "enam-2"]);
    region.silent.add("enam-1").add("enam-2");
    region.suspect();
    region.pass(PAUSE_MS);
    expect(region.changes).toEqual([]);
    region.pass(PAUSE_MS);
    expect(region.kinds).toEqual(["outage enam-1 enam-2"]);
  });

  test("the word of a router takes no region down that answers, and the watch is forgotten", () => {
    const region = new Region(["enam-1", "enam-2"]);
    // One of two shards does not answer: the region is there.
    region.silent.add("enam-1");
    for (let n = 0; n < 100; n++) {
      region.suspect();
      region.pass(PAUSE_MS);
    }
    expect(region.changes).toEqual([]);
    expect(region.watch).toBeUndefined();
    expect(region.checks).toBe(100);
  });

  test("an answer between two silent checks ends the suspicion", () => {
    const region = new Region(["enam-1"]);
    region.silent.add("enam-1");
    region.suspect();
    region.pass(PAUSE_MS);
    region.silent.clear();
    region.pass(HOUR_MS);
    expect([region.changes, region.watch]).toEqual([[], undefined]);
  });

  test("a coordinator that reaches no region declares nothing, and asks no longer than twenty checks", () => {
    const region = new Region(["enam-1"]);
    region.silent.add("enam-1");
    region.homeAnswers = false;
    region.suspect();
    region.pass(HOUR_MS);
    expect([region.changes, region.checks, region.watch]).toEqual([[], 20, undefined]);
  });
});

describe("[EL43] a region that answers again comes back", () => {
  function outageOf(ids: readonly string[]): Region {
    const region = new Region(ids);
    for (const id of ids) region.silent.add(id);
    region.suspect();
    region.pass(2 * PAUSE_MS);
    expect(region.kinds).toEqual([`outage ${ids.join(" ")}`]);
    return region;
  }

  test("the shards that have answered twice in a row come back once they are half of the region", () => {
    const region = outageOf(["enam-1", "enam-2", "enam-3"]);
    region.pass(60 * PAUSE_MS);
    region.silent.delete("enam-1");
    region.pass(HOUR_MS);
    expect(region.changes).toHaveLength(1);
    region.silent.delete("enam-2");
    region.pass(HOUR_MS);
    expect(region.kinds.slice(1)).toEqual(["recovery enam-1 enam-2"]);
    region.silent.delete("enam-3");
    region.pass(HOUR_MS);
    expect(region.kinds.slice(2)).toEqual(["recovery enam-3"]);
    expect(region.watch?.nextAt).toBeNull();
  });

  test("the shards that came back go down again where they fall silent, though others are down still", () => {
    const region = outageOf(["enam-1", "enam-2"]);
    region.silent.delete("enam-1");
    region.pass(60 * PAUSE_MS);
    region.silent.add("enam-1");
    region.suspect();
    region.pass(10 * PAUSE_MS);
    expect(region.kinds.slice(1)).toEqual(["recovery enam-1", "outage enam-1"]);
  });

  test("checks become rare while the outage lasts, and end with it", () => {
    const region = outageOf(["enam-1"]);
    const before = region.checks;
    region.pass(24 * HOUR_MS);
    // A day: every five minutes, and some at its beginning.
    expect(region.checks - before).toBeLessThan((24 * HOUR_MS) / (100 * PAUSE_MS) + 20);
    region.silent.clear();
    region.pass(102 * PAUSE_MS);
    expect(region.kinds.slice(1)).toEqual(["recovery enam-1"]);
    const after = region.checks;
    region.pass(HOUR_MS);
    expect(region.checks).toBe(after);
  });

  test("a region that comes and goes changes ever more rarely", () => {
    const region = outageOf(["enam-1"]);
    for (let n = 0; n < 4 * 1_200; n++) {
      if (n % 10 === 0) region.silent.clear();
      if (n % 10 === 5) region.silent.add("enam-1");
      region.suspect();
      region.pass(PAUSE_MS);
    }
    const recoveries = region.changes.filter(({ kind }) => kind === "recovery");
    // Four hours: 10 s, 20 s, 40 s, and so on, up to an hour.
    expect(recoveries.length).toBeGreaterThan(2);
    expect(recoveries.length).toBeLessThan(12);
  });

  test("after an hour without an outage the past is forgotten", () => {
    const region = outageOf(["enam-1"]);
    region.silent.clear();
    region.pass(HOUR_MS);
    expect(region.kinds.slice(1)).toEqual(["recovery enam-1"]);
    region.pass(HOUR_MS);
    region.suspect();
    region.pass(0);
    expect(region.watch).toBeUndefined();
  });
});
