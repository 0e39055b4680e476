import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide } from "../../../src/elastic/decide.ts";
import { NO_LOAD, type Load } from "../../../src/elastic/load.ts";
import { NO_MEMORY, type Member, type Memory, type ScalePolicy } from "../../../src/elastic/policy.ts";
import { HOUR, POLICY } from "./scale-policy.ts";

const NOW = 100 * HOUR * 1_000;

const load = (sockets: number, fields: Partial<Load> = {}): Load => ({
  at: NOW,
  parts: { ...NO_LOAD, sockets },
  refused: 0,
  clients: {},
  ...fields,
});

const member = (n: number, fields: Partial<Member> = {}): Member => ({
  id: `auto-${n}`,
  region: "auto",
  weight: 16,
  fullWeight: 16,
  state: "active",
  owner: "policy",
  since: NOW - 24 * HOUR * 1_000,
  load: load(0.5),
  ...fields,
});

const ask = (
  members: readonly Member[],
  fields: {
    readonly policy?: Partial<ScalePolicy>;
    readonly memory?: Memory;
    readonly movingUntil?: number;
    readonly now?: number;
  } = {},
) =>
  decide({
    members,
    defaultRegion: "auto",
    policy: { ...POLICY, ...fields.policy },
    memory: fields.memory ?? NO_MEMORY,
    movingUntil: fields.movingUntil,
    now: fields.now ?? NOW,
  });

const anyPart = fc.double({ min: 0, max: 2, noNaN: true });
const anyMembers = fc
  .array(
    fc.record({
      value: anyPart,
      refused: fc.constantFrom(0, 0, 0, 5),
      owner: fc.constantFrom("policy" as const, "operator" as const),
      state: fc.constantFrom("active" as const, "active" as const, "draining" as const),
      since: fc.integer({ min: NOW - 2 * HOUR * 1_000, max: NOW }),
      region: fc.constantFrom("auto", "weur"),
      weight: fc.constantFrom(4, 16),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((all) =>
    all.map(({ value, refused, ...fields }, n) => member(n, { ...fields, load: load(value, { refused }) })),
  );
const anyMemory: fc.Arbitrary<Memory> = fc.record({
  decisions: fc
    .array(
      fc.record({
        at: fc.integer({ min: NOW - 2 * HOUR * 1_000, max: NOW }),
        kind: fc.constantFrom("add" as const, "drain" as const, "step" as const),
        region: fc.constantFrom("auto", "weur"),
        ids: fc.constant([]),
        fullest: anyPart,
        skewed: fc.boolean(),
      }),
      { maxLength: 5 },
    )
    .map((all) => all.toSorted((a, b) => a.at - b.at)),
  lowSince: fc.record(
    {
      auto: fc.integer({ min: NOW - HOUR * 1_000, max: NOW }),
      weur: fc.integer({ min: NOW - HOUR * 1_000, max: NOW }),
    },
    { requiredKeys: [] },
  ),
});

describe("[EL1] a decision stays within the bounds", () => {
  test("an addition stays within shards.max and the step, and at most doubles a region", () => {
    fc.assert(
      fc.property(anyMembers, anyMemory, fc.boolean(), (members, memory, moving) => {
        const { decision } = ask(members, {
          memory,
          ...(moving ? { movingUntil: NOW + 1 } : {}),
          policy: { max: 12 },
        });
        if (decision.kind !== "add") return;
        const there = members.filter(
          (one) => one.region === decision.region && one.state === "active",
        ).length;
        expect(decision.count).toBeGreaterThan(0);
        expect(decision.count).toBeLessThanOrEqual(Math.min(POLICY.step, Math.max(1, there)));
        expect(members.length + decision.count).toBeLessThanOrEqual(12);
      }),
    );
  });

  test("a cluster below scale.min grows as far as shards that are draining leave room", () => {
    const draining = [member(7, { state: "draining" }), member(8, { state: "draining" })];
    const members = [...Array.from({ length: 6 }, (_, n) => member(n)), ...draining];
    expect(ask(members, { policy: { min: 10, max: 10 } }).decision).toMatchObject({ kind: "add", count: 2 });
    const full = ask(members, { policy: { min: 8, max: 8 } });
    expect(full).toMatchObject({ decision: { kind: "hold" }, askAgainAt: NOW + POLICY.reportMs });
  });

  test("a cluster below scale.min grows to it, and none shrinks below it", () => {
    expect(ask([member(1)], { policy: { min: 4 } }).decision).toMatchObject({
      kind: "add",
      count: 3,
      part: 1,
    });
    fc.assert(
      fc.property(anyMembers, anyMemory, fc.integer({ min: 1, max: 12 }), (members, memory, min) => {
        const { decision } = ask(members, { memory, policy: { min } });
        const active = members.filter(({ state }) => state === "active").length;
        if (decision.kind === "drain") expect(active).toBeGreaterThan(min);
      }),
    );
  });
});

describe("[EL2] a region shrinks late, and only by what the policy has added", () => {
  test("a drained shard is the policy's, is not young, and the rest stays under the target", () => {
    fc.assert(
      fc.property(anyMembers, anyMemory, fc.boolean(), (members, memory, moving) => {
        const { decision } = ask(members, { memory, ...(moving ? { movingUntil: NOW + 1 } : {}) });
        if (decision.kind !== "drain") return;
        expect(moving).toBe(false);
        const [id] = decision.ids;
        const drained = members.find((one) => one.id === id);
        expect(drained).toMatchObject({ owner: "policy", state: "active" });
        expect(NOW - (drained?.since ?? NOW)).toBeGreaterThanOrEqual(POLICY.youngMs);
        const rest = members.filter((one) => one.region === drained?.region && one.state === "active");
        const total = rest.reduce((sum, one) => sum + (one.load?.parts.sockets ?? 0), 0);
        if (rest.length > 1) expect(total / (rest.length - 1)).toBeLessThanOrEqual(POLICY.target);
        const grown = memory.decisions.filter(
          ({ kind, region }) => kind !== "drain" && region === drained?.region,
        );
        for (const { at } of grown) expect(NOW - at).toBeGreaterThanOrEqual(POLICY.settleMs);
        expect(NOW - (memory.lowSince[drained?.region ?? ""] ?? NOW)).toBeGreaterThanOrEqual(POLICY.lowForMs);
      }),
      { numRuns: 1_000 },
    );
  });

  test("without pressure a region that has just shrunk waits before it grows", () => {
    const at = NOW - 300_000;
    const drain = {
      at,
      kind: "drain",
      region: "auto",
      ids: ["auto-9"],
      fullest: 0.1,
      skewed: false,
    } as const;
    const memory = { ...NO_MEMORY, decisions: [drain] };
    expect(ask([member(1, { load: load(0.8) })], { memory })).toMatchObject({
      decision: { kind: "hold" },
      askAgainAt: at + POLICY.settleMs,
    });
    expect(ask([member(1, { load: load(0.95) })], { memory }).decision.kind).toBe("add");
  });

  test("a low region is asked again when it may shrink, and at scale.min no more", () => {
    const low = [member(1, { load: load(0.05) }), member(2, { load: load(0.05) })];
    const first = ask(low);
    expect(first.askAgainAt).toBe(NOW + POLICY.lowForMs);
    const then = ask(low, { memory: first.memory, now: NOW + POLICY.lowForMs });
    expect(then.decision).toMatchObject({ kind: "drain", ids: ["auto-2"] });
    expect(ask([member(1, { load: load(0.05) })]).askAgainAt).toBeUndefined();
  });
});

describe("[EL3] growth under pressure waits for nothing", () => {
  test("a region above the pressure mark grows while sessions move and right after a change, at full weight", () => {
    const memory: Memory = {
      decisions: [{ at: NOW - 1_000, kind: "add", region: "auto", ids: [], fullest: 0.8, skewed: false }],
      lowSince: {},
    };
    const members = [member(1, { load: load(0.95) }), member(2, { load: load(0.92) })];
    const { decision } = ask(members, { memory, movingUntil: NOW + 60_000 });
    expect(decision).toMatchObject({ kind: "add", count: 2, part: 1 });
  });

  test("a shard that is joining gets its full weight at once", () => {
    const members = [member(1, { load: load(0.95) }), member(2, { weight: 4, load: load(0.1) })];
    expect(ask(members, { movingUntil: NOW + 60_000 }).decision).toMatchObject({
      kind: "step",
      ids: ["auto-2"],
      weight: 16,
    });
  });

  test("without pressure the policy waits for the move, and for two reports after a change", () => {
    const members = [member(1, { load: load(0.8) })];
    expect(ask(members, { movingUntil: NOW + 9_000 })).toMatchObject({
      decision: { kind: "hold" },
      askAgainAt: NOW + 9_000,
    });
    const memory: Memory = {
      decisions: [{ at: NOW - 1_000, kind: "add", region: "auto", ids: [], fullest: 0.1, skewed: false }],
      lowSince: {},
    };
    expect(ask(members, { memory })).toMatchObject({ decision: { kind: "hold" }, askAgainAt: NOW + 119_000 });
    expect(ask(members).decision).toMatchObject({ kind: "add", count: 1, part: 0.25 });
  });

  test("while the moved sessions may be in two reports, a joining shard is enough", () => {
    const memory: Memory = {
      decisions: [{ at: NOW - 10_000, kind: "add", region: "auto", ids: [], fullest: 0.95, skewed: false }],
      lowSince: {},
    };
    const members = [member(1, { load: load(0.95) }), member(2, { since: NOW - 10_000, load: load(0.3) })];
    expect(ask(members, { memory, movingUntil: NOW + 60_000 }).decision.kind).toBe("hold");
  });
});

describe("[EL7] a region has a shard when it has clients enough", () => {
  const clients = (weur: number) => ({ load: load(0.4, { clients: { auto: 2_000, weur } }) });

  test("a region with scale.regionMin clients gets its first shard, and a region with fewer gets none", () => {
    expect(ask([member(1, clients(500))]).decision).toMatchObject({ kind: "add", region: "weur", count: 1 });
    expect(ask([member(1, clients(499))]).decision.kind).toBe("hold");
    expect(ask([member(1, clients(500))], { policy: { max: 1 } }).decision.kind).toBe("hold");
    expect(ask([member(1, clients(500))], { policy: { opens: ["enam"] } }).decision.kind).toBe("hold");
  });

  test("a region gets as many shards at once as its clients need, or none where one step is not enough", () => {
    const full = (n: number) => member(n, { load: load(0.6, { clients: { auto: 2_000, weur: 10_000 } }) });
    const members = [full(1), full(2), full(3)];
    expect(ask(members).decision).toMatchObject({ kind: "add", region: "weur", count: 3 });
    expect(ask(members, { policy: { step: 2 } }).decision.kind).toBe("hold");
    expect(ask(members, { policy: { max: 5 } }).decision.kind).toBe("hold");
  });

  test("the last shard of a region goes when the clients have gone, and the default region can take the rest", () => {
    const low = { region: "weur", load: load(0.005, { clients: { weur: 100 } }) };
    const memory = { ...NO_MEMORY, lowSince: { weur: NOW - POLICY.lowForMs } };
    const drained = { kind: "drain", ids: ["auto-2"] };
    expect(ask([member(1), member(2, low)], { memory }).decision.kind).toBe("hold");
    const home = member(1, { load: load(0.4) });
    expect(ask([home, member(2, low)], { memory }).decision).toMatchObject(drained);
    const some = { region: "weur", load: load(0.01, { clients: { weur: 200 } }) };
    expect(ask([home, member(2, some)], { memory }).decision.kind).toBe("hold");
    expect(ask([member(2, low)], { memory }).decision.kind).toBe("hold");
  });
});

describe("[EL45] the policy leaves a region alone that is down", () => {
  const inEnam = (n: number, fields: Partial<Member> = {}): Member =>
    member(n, { id: `enam-${n}`, region: "enam", ...fields });
  const down = (n: number): Member => inEnam(n, { state: "down", load: load(0.5) });

  test("it gets no further shard, though its clients are elsewhere and many", () => {
    const busy = member(1, { load: load(0.5, { clients: { enam: 10_000 } }) });
    expect(ask([busy, down(1)]).decision.kind).toBe("hold");
    expect(ask([busy]).decision.kind).toBe("add");
  });

  test("its shards count towards scale.min, and no other shard takes their place", () => {
    const policy = { min: 3 };
    expect(ask([member(1), down(1), down(2)], { policy }).decision.kind).toBe("hold");
    expect(ask([member(1), down(1)], { policy }).decision).toMatchObject({ kind: "add", count: 1 });
  });

  test("it has not been low while it was down, so it does not lose a shard as soon as it is back", () => {
    const home = member(1);
    const { memory } = ask([home, down(1), down(2)]);
    const back = (n: number) => inEnam(n, { load: load(0.01) });
    const later = NOW + 2 * HOUR * 1_000;
    const { decision, askAgainAt } = ask([home, back(1), back(2)], { memory, now: later });
    expect(decision.kind).toBe("hold");
    expect(askAgainAt).toBe(later + POLICY.lowForMs);
  });

  test("the default region grows where it takes over more than it can", () => {
    const full = member(1, { load: load(0.95) });
    expect(ask([full, down(1)]).decision).toMatchObject({ kind: "add", region: "auto" });
  });
});

describe("[EL61] what callers have seen of a shard", () => {
  const callers = (fields: Partial<NonNullable<Member["callers"]>>) => ({
    callers: { overloaded: 0, silent: 0, until: NOW + 60_000, ...fields },
  });
  const four = (fields: Partial<Member>, others: Partial<Member> = {}) => [
    member(1, { owner: "operator", ...others }),
    ...[2, 3].map((n) => member(n, others)),
    member(4, { ...others, ...fields }),
  ];

  test("calls that a shard refuses as overloaded make the ring grow at once, and no more than they help", () => {
    const members = four(callers({ overloaded: 3 }), { load: load(0.1) });
    const first = ask(members, { movingUntil: NOW + 1_000 }).decision;
    expect(first).toMatchObject({ kind: "hold", reason: expect.stringContaining("3 calls refused") });
    let memory = NO_MEMORY;
    let added = 0;
    for (let now = NOW; now < NOW + 2 * HOUR * 1_000; now += 30_000) {
      const decided = ask(members, { memory, now });
      memory = decided.memory;
      if (decided.decision.kind === "add") added += decided.decision.count;
      else expect(decided.decision.kind).toBe("hold");
    }
    expect(added).toBe(3);
  });

  test("calls without an answer add no shard and remove none, and keep the region from shrinking", () => {
    const low = { load: load(0.05) };
    const memory: Memory = { ...NO_MEMORY, lowSince: { auto: NOW - HOUR * 1_000 } };
    expect(ask(four({}, low), { memory }).decision.kind).toBe("drain");
    const { decision, memory: after, askAgainAt } = ask(four(callers({ silent: 9 }), low), { memory });
    expect(decision.kind).toBe("hold");
    expect(after.lowSince).toEqual({});
    // A sign that has run out is no report, so the policy looks again by itself.
    expect(askAgainAt).toBe(NOW + 60_000);
  });

  test("a joining shard takes its next step when no call to it fails, and stays where some do", () => {
    const joining = { weight: 4, since: NOW - 60_000, load: load(0.1) };
    expect(ask(four(joining)).decision.kind).toBe("step");
    for (const seen of [callers({ silent: 1 }), callers({ overloaded: 1 })]) {
      expect(ask(four({ ...joining, ...seen })).decision.kind).toBe("hold");
      const much = NOW + HOUR * 1_000;
      expect(ask(four({ ...joining, ...seen }), { now: much }).decision.kind).toBe("hold");
    }
  });

  test("at the minimum the policy makes no appointment for what callers have seen", () => {
    expect(ask([member(1, callers({ silent: 1 }))]).askAgainAt).toBeUndefined();
  });
});
