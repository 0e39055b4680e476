/** A slip put into the code that ships, to see that the simulator notices. `seed`: a history of 40 steps that does. */
export type Plant = {
  readonly file: string;
  readonly code: string;
  readonly instead: string;
  readonly seed: number;
};

/** The first four are what the promise rests on; the others were real, and found by the simulator. */
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
    code: 'if (failed(owner, error)) return unavailable(2, "the shard does not answer");\n        }',
    instead: "throw error;\n        }",
    seed: 411,
  },
};
