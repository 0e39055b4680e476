import type { RolloutKind } from "./rollout.ts";

/** One change of the present code; `code` MUST be once in the file. */
type Edit = { readonly file: string; readonly code: string; readonly instead: string };

/**
 * A slip in the present code that the simulator must find. `seed`: a history of 40 steps that finds it. `releases`: the
 * kind of history that finds it, `none` by default. `also`: further edits of the same slip.
 */
export type Plant = Edit & {
  readonly seed: number;
  readonly releases?: RolloutKind;
  readonly also?: readonly Edit[];
};

/**
 * The first four remove code that the promises need. The plants with `releases` are slips that the release before does
 * not understand; in the present release alone they break no law. The others were real, and the simulator found them.
 */
export const PLANTS: Readonly<Record<string, Plant>> = {
  "offset-check": {
    file: "src/shard/subscriptions/channels.ts",
    code: 'entry.kind !== "pub" || entry.offset > from',
    instead: "true",
    seed: 1,
  },
  "subscribe-buffer": {
    file: "src/shard/subscriptions/channels.ts",
    code: "listening.looking?.meanwhile.push(...publications);",
    instead: "",
    seed: 182,
  },
  "armed-alarm": {
    file: "src/log/channel-log.ts",
    code: 'this.#arm("deliver", now + DELIVER_CHECK_MS);',
    instead: "",
    seed: 141,
  },
  "dedup-key": {
    file: "src/log/durable-log.ts",
    code: "if (known !== undefined) return { offset: known.offset, logEpoch, refused: null, repeated: true };",
    instead: "",
    seed: 5,
  },
  "registration-buffer": {
    file: "src/shard/subscriptions/channels.ts",
    code: "listening.state.early.push(delivery);",
    instead: "",
    seed: 32,
  },
  "gap-pull": {
    file: "src/shard/subscriptions/channels.ts",
    code: "if (durable && delivery.since > position.offset &&",
    instead: "if (false &&",
    seed: 263,
  },
  "believed-after-crash": {
    file: "src/shard/clients.ts",
    code: "sockets.size > 0 ? this.#positions.read() : new Map<string, KeptPosition>()",
    instead: "this.#positions.read()",
    seed: 27,
  },
  "late-life": {
    file: "src/shard/subscriptions/channels.ts",
    code: "if (logEpoch === listening.superseded) return;",
    instead: "",
    seed: 174_103_569,
  },
  "impatient-queue": {
    file: "src/events/event-queue.ts",
    code: '"ORDER BY seq LIMIT 1");\n    return',
    instead: '"ORDER BY due LIMIT 1");\n    return',
    seed: 232,
  },
  "unheeded-adopt": {
    file: "src/router/forward.ts",
    code: 'if (failed(shard, error)) return unavailable(2, "the shard does not answer");\n        }',
    instead: "throw error;\n        }",
    seed: 411,
  },
  "renamed-field": {
    file: "src/log/delivery.ts",
    code: "shardStub(this.#env, shard).deliver(delivery)",
    instead: "shardStub(this.#env, shard).deliver({ ...delivery, since: undefined, after: delivery.since })",
    also: [
      {
        file: "src/shard/shard.ts",
        code: "return this.#clients.hub.deliver(delivery);",
        instead: "return this.#clients.hub.deliver({ ...delivery, since: delivery.after });",
      },
    ],
    releases: "rollback",
    seed: 6,
  },
  "renamed-method": {
    file: "src/shard/clients.ts",
    code: "channelStub(this.env, channel).view(after)",
    instead: "channelStub(this.env, channel).viewAfter(after)",
    also: [
      {
        file: "src/channel/channel.ts",
        code: "view(after: number): LogView {",
        instead: "viewAfter(after: number): LogView {",
      },
    ],
    releases: "mixed",
    seed: 1,
  },
  "renamed-row": {
    file: "src/platform/timetable.ts",
    code: 'kv.get<Partial<Record<Name, number>>>("timetable")',
    instead: 'kv.get<Partial<Record<Name, number>>>("appointments")',
    also: [
      {
        file: "src/platform/timetable.ts",
        code: 'kv.put("timetable", entries)',
        instead: 'kv.put("appointments", entries)',
      },
    ],
    releases: "upgrade",
    seed: 22,
  },
};
