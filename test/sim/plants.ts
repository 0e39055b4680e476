import type { RolloutKind } from "./rollout.ts";

/** One change of the present code; `code` MUST be once in the file. */
type Edit = { readonly file: string; readonly code: string; readonly instead: string };

/**
 * A slip in the present code that the simulator must find, or a test where no history sees it soon.
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
 * Some remove code that the promises need, some take a mended fault back, and the others were real. The plants with `releases` are slips that the
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
    code: "const time = at === undefined ? undefined : toAlarm(at);",
    instead:
      "const time = at === undefined ? undefined : toAlarm(at) + ((globalThis.armed = (globalThis.armed ?? 0) + 1) % 3);",
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
  "ids-after-restart": {
    law: "LG4",
    file: "src/log/durable-log.ts",
    code: "this.#keptIds = readKeptIds(sql, now - ID_TTL_MS);",
    instead: "this.#keptIds = readKeptIds(sql, now);",
    seed: 37,
  },
  "key-time": {
    law: "LG4",
    file: "src/log/durable-log.ts",
    code: "export const ID_TTL_MS = 300_000;",
    instead: "export const ID_TTL_MS = 4_000;",
    seed: 13,
  },
  "trims-one-more": {
    law: "LG2",
    file: "src/log/durable-log.ts",
    code: "this.#planTrim(now, offset - this.#limits.size)",
    instead: "this.#planTrim(now, offset - this.#limits.size + 1)",
    seed: 23,
  },
  "renewed-at-top": {
    law: "FO1",
    file: "src/log/channel-log.ts",
    code: "const heard = known === undefined ? top : heardBy(known);",
    instead: "const heard = top;",
    seed: 42,
  },
  "behind-unmarked": {
    law: "FO4",
    file: "src/shard/subscriptions/broadcast.ts",
    code: "{ byServer: true, behind: since } as const",
    instead: "{ byServer: true } as const",
    seed: 39,
  },
  "spill-forgets": {
    law: "MB7",
    file: "src/router/forward.ts",
    code: "refused: [...place.refused, shard.id] };",
    instead: "refused: [shard.id] };",
    traits: "scaling",
    seed: 41,
  },
  "wide-owners": {
    law: "MV1",
    file: "src/shard/moves/membership.ts",
    code: "session.rank === 0 ? 1 : OWNERS",
    instead: "OWNERS",
    seed: 17,
  },
  "one-tick": {
    law: "MV1",
    file: "src/shard/moves/migration.ts",
    code: "if (run.leaving.length > 0) {",
    instead: "if (run.leaving.length > 1) {",
    seed: 50,
  },
  "alarm-lost": {
    law: "BD50",
    file: "src/platform/timetable.ts",
    code: "      this.#alarm = alarm;\n      await this.#setAlarm();",
    instead: "      this.#alarm = earliest(this.#read()) ?? alarm;",
    traits: "lostAlarms",
    seed: 32,
  },
  "whole-batch": {
    law: "BD5",
    file: "src/log/lane.ts",
    code: "const BATCH = { count: 256, bytes: CALL_BYTES };",
    instead: "const BATCH = { count: 256, bytes: CALL_BYTES * 16 };",
    traits: "largePublications",
    seed: 35,
  },
  "spill-unkept": {
    law: "EL31",
    file: "src/shard/moves/guests.ts",
    code: 'if (storage.kv.get<boolean>("spilled") !== true) storage.kv.put("spilled", true);',
    instead: "",
    seed: 47,
  },
  "guests-of-epoch": {
    law: "EL31",
    file: "src/shard/moves/guests.ts",
    code: 'return membership.ringEpoch > 1 && storage.kv.get<number>("noGuests") !== membership.ringEpoch;',
    instead: "return false;",
    traits: "scaling",
    seed: 50,
  },
  "bound-forgets": {
    law: "EL30",
    file: "src/router/forward.ts",
    code: "isAboveBound ||= refusal.bound === true;",
    instead: "",
    traits: "scaling",
    seed: 64,
  },
  "guests-uncounted": {
    law: "EL66",
    file: "src/shard/moves/guests.ts",
    code: "if (attachment.rank === 0) continue;",
    instead: "if (attachment.rank >= 0) continue;",
    seed: 26,
  },
  "forgets-leave": {
    law: "SE5",
    file: "src/shard/subscriptions/subscriptions.ts",
    code: "    subscriptions.delete(channel);\n    this.#parts.connections.sessions.remember(session, { ...attachment, subscriptions });",
    instead: "    subscriptions.delete(channel);\n    session.attachment = { ...attachment, subscriptions };",
    seed: 70,
  },
  "patient-reader": {
    law: "SE4",
    file: "src/shard/connections/outbox.ts",
    code: 'if (tooMuch) return "slow";\n  const ignored',
    instead: "const ignored",
    foundBy: "test/unit/shard/connections/outbox.test.ts",
  },
  "no-pong": {
    law: "SE6",
    file: "src/shard/connections/sweep.ts",
    code: 'connections.end(session, "noPong")',
    instead: "connections.send(session, heartbeat.ping)",
    foundBy: "test/unit/shard/connections/ping-all.test.ts",
  },
  "no-trickle": {
    law: "MV3",
    file: "src/shard/moves/pace.ts",
    code: "pace.set(destination, Math.max(part, TRICKLE_PER_SECOND));",
    instead: "pace.set(destination, part);",
    foundBy: "test/unit/shard/moves/pace.test.ts",
  },
  "saved-up": {
    law: "MV3",
    file: "src/shard/moves/pace.ts",
    code: "byDestination.set(destination, Math.min(Math.max(pace, 1), filled));",
    instead: "byDestination.set(destination, filled);",
    foundBy: "test/unit/shard/moves/pace.test.ts",
  },
  "spilled-forgotten": {
    law: "MV1",
    file: "src/shard/moves/membership.ts",
    code: "session.rank === 0 ? 1 : OWNERS",
    instead: "1",
    foundBy: "test/unit/shard/moves/membership.test.ts",
  },
  "old-epoch": {
    law: "MB1",
    file: "src/shard/moves/membership.ts",
    code: "if (descriptor.epoch <= this.ringEpoch) return false;",
    instead: "",
    foundBy: "test/unit/shard/moves/membership.test.ts",
  },
  "newer-router": {
    law: "MB7",
    file: "src/shard/moves/admission.ts",
    code: 'if (route.ringEpoch > descriptor.epoch) return { kind: "behind", ringEpoch: descriptor.epoch };',
    instead: "",
    foundBy: "test/unit/shard/moves/admission.test.ts",
  },
  "number-again": {
    law: "MB3",
    file: "src/coordinator/plan-change.ts",
    code: "  for (const id of used) {",
    instead: "  for (const id of [...used].slice(0, 0)) {",
    foundBy: "test/unit/coordinator/plan-change.test.ts",
  },
  "last-shard-leaves": {
    law: "MB4",
    file: "src/coordinator/plan-change.ts",
    code: 'if (!plan.shards.some(({ state }) => state === "active")) {',
    instead: "if (plan.shards.length === 0) {",
    foundBy: "test/unit/coordinator/plan-change.test.ts",
  },
  "part-of-missed": {
    law: "DL3",
    file: "src/log/recovery.ts",
    code: 'if (since.offset < oldest - 1) return { kind: "restart", reason: "trimmed" };',
    instead: "",
    foundBy: "test/unit/log/recovery.test.ts",
  },
  "tail-with-gap": {
    law: "DL6",
    file: "src/shard/subscriptions/tail.ts",
    code: "first.offset > run.top + 1",
    instead: "false",
    foundBy: "test/unit/shard/subscriptions/tail.test.ts",
  },
  "gap-in-lookup": {
    law: "DL7",
    file: "src/shard/subscriptions/lookup.ts",
    code: "if (first?.offset === view.top + 1)",
    instead: "if (first !== undefined)",
    foundBy: "test/unit/shard/subscriptions/lookup.test.ts",
  },
  "guess-after-crash": {
    law: "DL8",
    file: "src/shard/subscriptions/heard.ts",
    code: "durable && (known !== undefined || mayRepeat)",
    instead: "durable && known !== undefined",
    foundBy: "test/unit/shard/subscriptions/heard.test.ts",
  },
  "late-answer": {
    law: "BD12",
    file: "src/shard/records/empty-channels.ts",
    code: "listens || this.#asked.get(channel) === true || hasListeners(channel)",
    instead: "listens || hasListeners(channel)",
    foundBy: "test/unit/shard/records/empty-channels.test.ts",
  },
  "tree-in-line": {
    law: "FO5",
    file: "src/fanout/tree.ts",
    code: "targets.length <= DIRECT_MAX ? targets.length : Math.ceil(Math.sqrt(targets.length))",
    instead: "targets.length",
    foundBy: "test/unit/fanout/tree.test.ts",
  },
  "ids-trimmed": {
    law: "LG4",
    file: "src/log/durable-log.ts",
    code: "removed: Math.min(hidden, (oldest?.row ?? Infinity) - 1)",
    instead: "removed: hidden",
    foundBy: "test/unit/log/durable-log.test.ts",
  },
  "short-drain": {
    law: "EL3",
    file: "src/elastic/shrink.ts",
    code: "      since + policy.lowForMs,\n",
    instead: "      since,\n",
    foundBy: "test/unit/elastic/decide.test.ts",
  },
  "no-effect-no-end": {
    law: "EL4",
    file: "src/elastic/grow.ts",
    code: "if (roundsWithoutEffect(memory, region) >= ROUNDS_WITHOUT_EFFECT)",
    instead: "if (roundsWithoutEffect(memory, region) < 0)",
    foundBy: "test/unit/elastic/decide.test.ts",
  },
  unbudgeted: {
    law: "BD28",
    file: "src/shard/connections/queue-budget.ts",
    code: "return now - this.#overSince < PATIENCE_MS ? [] : this.#slowest(slow);",
    instead: "return [];",
    foundBy: "test/unit/shard/connections/queue-budget.test.ts",
  },
  "clean-mark": {
    law: "DL8",
    file: "src/shard/subscriptions/positions.ts",
    code: "    this.#markDirty();\n    if (this.#isWaiting) return;",
    instead: "    if (this.#isWaiting) return;",
    foundBy: "test/unit/shard/subscriptions/positions.test.ts",
  },
  "untold-pages": {
    law: "BD90",
    file: "src/log/lane.ts",
    code: "length > WAITING.count || (",
    instead: "(",
    foundBy: "test/unit/log/lane.test.ts",
  },
  "early-unsettled": {
    law: "BD94",
    file: "src/shard/subscriptions/followed-channel.ts",
    code: "return settled.then(delivered);",
    instead: "return delivered();",
    foundBy: "test/unit/shard/subscriptions/channels.test.ts",
  },
  "frames-wait": {
    law: "BD23",
    file: "src/shard/connections/budgets.ts",
    code: "return session.busy < limits.waitingFrames && session.waitingUnits + units <= limits.waitingBytes;",
    instead: "return true;",
    foundBy: "test/unit/shard/connections/admit-frame.test.ts",
  },
  "known-by-tail": {
    law: "DL6",
    file: "src/shard/subscriptions/resume.ts",
    code: "proves(known, since) || (known.whole",
    instead: "proves(known, since) || (true",
    foundBy: "test/unit/shard/subscriptions/resume.test.ts",
  },
  "hidden-again": {
    law: "LG2",
    file: "src/log/durable-log.ts",
    code: "Math.max(stored.hidden, this.#first - 1, this.top - limits.size)",
    instead: "Math.max(stored.hidden, this.#first - 1)",
    foundBy: "test/unit/log/durable-log-bounds.test.ts",
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
