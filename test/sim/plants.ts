import type { RolloutKind } from "./rollout.ts";

/** One change of the present code; `code` MUST be once in the file. */
type Edit = { readonly file: string; readonly code: string; readonly instead: string };

/**
 * A slip in the present code that the simulator must find. `seed`: a history of 40 steps that finds it. `releases`: the
 * kind of history that finds it, `none` by default. `also`: further edits of the same slip. `isRare`:
 * fewer than one history in 100 finds it.
 */
export type Plant = Edit & {
  readonly seed: number;
  readonly releases?: RolloutKind;
  readonly also?: readonly Edit[];
  readonly isRare?: true;
  /** The traits of the histories that find it; drawn for each history by default. */
  readonly traits?: string;
};

/**
 * The first four remove code that the promises need. The plants with `releases` are slips that the release before does
 * not understand; in the present release alone they break no law. The others were real, and the simulator found them.
 */
export const PLANTS: Readonly<Record<string, Plant>> = {
  "offset-check": {
    file: "src/shard/subscriptions/followed-channel.ts",
    code: 'event.kind !== "pub" || event.offset > from.offset',
    instead: "true",
    seed: 1,
  },
  "subscribe-buffer": {
    file: "src/shard/subscriptions/followed-channel.ts",
    code: "this.#lookup?.add(from.logEpoch, publications);",
    instead: "",
    seed: 592,
    isRare: true,
  },
  "armed-alarm": {
    file: "src/log/channel-log.ts",
    code: 'this.#arm("deliver", now + DELIVER_CHECK_MS);',
    instead: ";",
    seed: 1_023,
    isRare: true,
  },
  "dedup-key": {
    file: "src/log/durable-log.ts",
    code: "known !== undefined && known.until > now",
    instead: "false",
    seed: 5,
  },
  "registration-buffer": {
    file: "src/shard/subscriptions/followed-channel.ts",
    code: "early.push(delivery);",
    instead: "",
    seed: 196,
    isRare: true,
  },
  "gap-pull": {
    file: "src/shard/subscriptions/followed-channel.ts",
    code: "heard.position.offset >= before",
    instead: "true",
    seed: 2_428,
    isRare: true,
  },
  "believed-after-crash": {
    file: "src/shard/subscriptions/positions.ts",
    code: "if (sockets > 0 && kept !== undefined) {",
    instead: "if (kept !== undefined) {",
    seed: 63,
  },
  "late-life": {
    file: "src/shard/subscriptions/heard.ts",
    code: 'if (logEpoch === heard.superseded?.logEpoch) return { kind: "ask" };',
    instead: "",
    traits: "lateCalls",
    seed: 45,
  },
  "impatient-queue": {
    file: "src/events/event-queue.ts",
    code: 'const [oldest] = this.#rows("ORDER BY seq LIMIT 1");',
    instead: 'const [oldest] = this.#rows("ORDER BY due LIMIT 1");',
    seed: 512,
    isRare: true,
  },
  "unheeded-adopt": {
    file: "src/router/forward.ts",
    code: 'if (failed(shard, error)) return unavailable(2, "the shard does not answer");\n        }',
    instead: "throw error;\n        }",
    seed: 555,
    isRare: true,
  },
  "renamed-field": {
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
  "renamed-row": {
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
