import type { RolloutKind } from "./rollout.ts";

/** One change of the present code; `code` MUST be once in the file. */
type Edit = { readonly file: string; readonly code: string; readonly instead: string };

/**
 * A slip in the present code that the simulator must find, or a test where the simulator has no clients of that kind.
 * `also`: further edits of the same slip.
 */
export type Plant = Edit & {
  /** The law that it breaks. */
  readonly law: string;
  readonly also?: readonly Edit[];
  /** The first history of 40 steps, from seed 1 on, that finds it. */
  readonly seed?: number;
  /** The kind of history that finds it, `none` by default. */
  readonly releases?: RolloutKind;
  /** The traits of the histories that find it; drawn for each history by default. */
  readonly traits?: string;
  /** Fewer than one history in 100 finds it. */
  readonly isRare?: true;
  /** The test that finds it, in place of a history. */
  readonly foundBy?: string;
};

/** Slips with the seed of a history that finds them, and slips with their test. */
export const isSimulated = (plant: Plant): plant is Plant & { readonly seed: number } =>
  plant.seed !== undefined;

/** Some of all: each has its turn, and a turn has the same ones each time. */
export const takeTurns = <T>(
  all: readonly T[],
  { turn, count }: { readonly turn: number; readonly count: number },
): T[] => Array.from({ length: Math.min(count, all.length) }, (_, n) => all[(turn + n) % all.length] as T);

/**
 * Some remove code that the promises need, and the others were real. The plants with `releases` are slips that the
 * release before does not understand; in the present release alone they break no law.
 */
export const PLANTS: Readonly<Record<string, Plant>> = {
  "offset-check": {
    law: "DL1",
    file: "src/shard/subscriptions/followed-channel.ts",
    code: 'event.kind !== "pub" || event.offset > from.offset',
    instead: "true",
    seed: 1,
  },
  "subscribe-buffer": {
    law: "DL7",
    file: "src/shard/subscriptions/followed-channel.ts",
    code: "this.#lookup?.add(from.logEpoch, publications);",
    instead: "",
    seed: 592,
    isRare: true,
  },
  "armed-alarm": {
    law: "DL5",
    file: "src/log/channel-log.ts",
    code: 'this.#arm("deliver", now + DELIVER_CHECK_MS);',
    instead: ";",
    seed: 1_023,
    isRare: true,
  },
  "dedup-key": {
    law: "LG4",
    file: "src/log/durable-log.ts",
    code: "known !== undefined && known.until > now",
    instead: "false",
    seed: 5,
  },
  "registration-buffer": {
    law: "BD94",
    file: "src/shard/subscriptions/followed-channel.ts",
    code: "early.push(delivery);",
    instead: "",
    seed: 196,
    isRare: true,
  },
  "gap-pull": {
    law: "DL1",
    file: "src/shard/subscriptions/followed-channel.ts",
    code: "heard.position.offset >= before",
    instead: "true",
    seed: 2_428,
    isRare: true,
  },
  "believed-after-crash": {
    law: "DL8",
    file: "src/shard/subscriptions/positions.ts",
    code: "if (sockets > 0 && kept !== undefined) {",
    instead: "if (kept !== undefined) {",
    seed: 63,
  },
  "late-life": {
    law: "BD100",
    file: "src/shard/subscriptions/heard.ts",
    code: 'if (logEpoch === heard.superseded?.logEpoch) return { kind: "ask" };',
    instead: "",
    traits: "lateCalls",
    seed: 45,
  },
  "impatient-queue": {
    law: "HK4",
    file: "src/events/event-queue.ts",
    code: 'const [oldest] = this.#rows("ORDER BY seq LIMIT 1");',
    instead: 'const [oldest] = this.#rows("ORDER BY due LIMIT 1");',
    seed: 512,
    isRare: true,
  },
  "unheeded-adopt": {
    law: "MB6",
    file: "src/router/forward.ts",
    code: 'if (failed(shard, error)) return unavailable(2, "the shard does not answer");\n        }',
    instead: "throw error;\n        }",
    seed: 555,
    isRare: true,
  },
  "outliving-count": {
    law: "SM1",
    file: "src/platform/timetable.ts",
    code: "const time = toAlarm(at);\n    const present",
    instead:
      "const time = toAlarm(at) + ((globalThis.armed = (globalThis.armed ?? 0) + 1) % 3);\n    const present",
    foundBy: "test/unit/log/rows.test.ts",
  },
  "renamed-field": {
    law: "CT1",
    file: "src/log/deliveries.ts",
    code: "shardStub(this.#env, shard).deliver(told, CONTRACT)",
    instead:
      "shardStub(this.#env, shard).deliver({ ...told, since: undefined, after: told.since }, CONTRACT)",
    also: [
      {
        file: "src/shard/shard.ts",
        code: "const delivered = channels.deliver(delivery);",
        instead: "const delivered = channels.deliver({ ...delivery, since: delivery.after });",
      },
    ],
    releases: "rollback",
    seed: 10,
  },
  "renamed-method": {
    law: "CT1",
    file: "src/shard/subscriptions/log-calls.ts",
    code: "log.view(after, CONTRACT)",
    instead: "log.viewAfter(after, CONTRACT)",
    also: [
      {
        file: "src/channel/channel.ts",
        code: "view(after: number, contract: number): LogView {",
        instead: "viewAfter(after: number, contract: number): LogView {",
      },
      {
        file: "src/coordinator/coordinator.ts",
        code: "view(after: number, contract: number): LogView {",
        instead: "viewAfter(after: number, contract: number): LogView {",
      },
    ],
    releases: "mixed",
    seed: 1,
  },
  "place-of-next-batch": {
    law: "SO41",
    file: "src/socketio/recovery/plan.ts",
    code: "  if (trimmed <= joined[2] || (last !== undefined && last.first > joined[2]))\n    return endOf(channel, joined, { upTo: after, index });\n",
    instead: "",
    traits: "socketio",
    seed: 56,
  },
  "direct-overtakes": {
    law: "SO43",
    file: "src/socketio/recovery/recovery.ts",
    code: "if (this.#late === undefined && emitter.isIdle) return",
    instead: "return",
    foundBy: "test/unit/socketio/recovery/recovery.test.ts",
  },
  "open-gate": {
    law: "SO43",
    file: "src/socketio/recovery/reconnect.ts",
    code: "parts.recovery.gates.close(client.session, nsp);",
    instead: "",
    traits: "socketio",
    seed: 93,
  },
  "trimmed-journal": {
    law: "SO41",
    file: "src/socketio/recovery/plan.ts",
    code: '  if (stated.since < trimmed.sequence && trimmed.at >= end.receivedAt)\n    return { kind: "restart", reason: "trimmed" };\n',
    instead: "",
    foundBy: "test/unit/socketio/recovery/plan.test.ts",
  },
  "offset-of-another-journal": {
    law: "SO41",
    file: "src/socketio/recovery/plan.ts",
    code: "if (parsed?.journalEpoch === epoch && parsed.sequence >= start)",
    instead: "if (parsed !== undefined)",
    traits: "socketio",
    seed: 5,
  },
  "last-packets-for-anyone": {
    law: "SO20",
    file: "src/socketio/polling.ts",
    code: '    if (method !== "GET") return refuse("badMethod");\n    const answer',
    instead: "    const answer",
    foundBy: "test/workers/socketio-polling.test.ts",
  },
  "renamed-row": {
    law: "CT1",
    file: "src/platform/timetable.ts",
    code: 'kv.get<Entries<string>>("timetable")',
    instead: 'kv.get<Entries<string>>("appointments")',
    also: [
      {
        file: "src/platform/timetable.ts",
        code: 'kv.put("timetable", {',
        instead: 'kv.put("appointments", {',
      },
    ],
    releases: "upgrade",
    seed: 42,
  },
};
