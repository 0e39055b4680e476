import { judge, UNSEEN, type Heard, type Hearing } from "../../src/cli/verify/judge.ts";
import { BROADCAST, FLEETING, objectOf } from "./channels.ts";
import type { SimClient } from "./client.ts";
import type { KnownRepeats } from "./known-repeats.ts";
import type { KnownSkips } from "./known-skips.ts";
import type { Publishers } from "./publishers.ts";
import { TWO_RELEASES } from "./releases.ts";
import { SHORT_KEEPS } from "./variables.ts";
import type { World } from "./world.ts";

/** A resume of more bytes than `limits.resumeBytes` may be refused. */
const RESUME_BYTES = 4 * 2 ** 20;

/** The faults of the release before that explain what clients have heard. */
export type Known = { readonly skips: KnownSkips; readonly repeats: KnownRepeats };

type End = {
  readonly world: World;
  readonly clients: readonly SimClient[];
  readonly publishers: Publishers;
  readonly known: Known;
};

/** Checks the logs, and what each client has heard of them. */
export function judgePublications(end: End): void {
  const { world, clients, publishers, known } = end;
  const logs = new Map<string, Heard[]>();
  const keeps = new Map([["short:c", SHORT_KEEPS]]);
  for (const channel of publishers.acknowledged.keys()) {
    if (channel !== FLEETING) logs.set(channel, readLog(end, channel));
  }
  const all = clients.flatMap((client) => client.hearings());
  for (const { who, heard } of all.filter(({ channel }) => channel === FLEETING)) {
    const once = new Set<string>();
    for (const { offset: connection, id } of heard) {
      const isExcused = publishers.mayRepeat.has(id) || known.repeats.excuses(id);
      if (once.has(`${id} ${connection}`) && !isExcused)
        world.violate(`${FLEETING} of ${who}: ${id} again (SPEC LG5)`);
      once.add(`${id} ${connection}`);
    }
  }
  const hearings = all.filter(({ channel }) => channel !== FLEETING);
  const verdict = judge({
    acknowledged: publishers.acknowledged,
    logs,
    keeps,
    hearings: hearings.map((hearing) => {
      const log = logs.get(hearing.channel) ?? [];
      return withSkip(end, withLarge(publishers, hearing, log), log.length);
    }),
  });
  for (const problem of Object.values(verdict).flat()) world.violate(problem);
}

/** A publication that nothing disturbs is heard in the channel without history too (SPEC BD100). */
export async function judgeUndisturbed({ world, clients, publishers }: End): Promise<void> {
  const id = publishers.publishOnce(FLEETING);
  await world.run(world.clock.now + 5_000);
  for (const client of clients) {
    const { release } = world.objects.of(client.shard ?? "").life ?? {};
    if (release?.name === TWO_RELEASES.before.name) continue;
    const heard = client.hearings().filter(({ channel, ended }) => channel === FLEETING && ended !== true);
    for (const one of heard)
      if (one.heard.at(-1)?.id !== id)
        world.violate(`${FLEETING} of ${client.name}: ${id} is missing, which nothing has disturbed`);
  }
}

/**
 * A resume over more than `limits.resumeBytes` is justified in being refused: its range counts as longer than what
 * any channel keeps.
 */
function withLarge({ bytes }: Publishers, hearing: Hearing, log: readonly Heard[]): Hearing {
  if (bytes.size === 0) return hearing;
  const bytesOf = (from: number, to: number): number =>
    log.slice(from, to).reduce((sum, { id }) => sum + (bytes.get(id) ?? 0), 0);
  const isJustified = (from: number, to: number): boolean => bytesOf(from, to) > RESUME_BYTES;
  const unrecovered = hearing.unrecovered.map((one) =>
    isJustified(one.from, one.to) ? { ...one, isJustified: true } : one,
  );
  return { ...hearing, unrecovered };
}

/** A publication that a known fault of the release before keeps from a subscriber is no fault of the present one. */
function withSkip({ clients, known }: End, hearing: Hearing, top: number): Hearing {
  const { who, channel, heard, unrecovered } = hearing;
  const shard = clients.find(({ name }) => name === who)?.shard?.slice("SHARD ".length) ?? "";
  const offsets = [...heard.map(({ offset }) => offset), ...unrecovered.map(({ to }) => to)];
  const last = Math.max(hearing.from, ...offsets);
  if (last === top || !known.skips.excuses(objectOf(channel), shard, { last, top })) return hearing;
  return { ...hearing, ended: true };
}

/** The log of a channel from its first publication on; the trimmed part as far as clients have heard it. */
function readLog({ world, clients }: End, channel: string): Heard[] {
  const name = objectOf(channel);
  if (!world.objects.names(channel === BROADCAST ? "Coordinator" : "Channel").includes(name)) return [];
  const storage = world.objects.of(name).storage;
  // The object has no tables if every call to it was lost.
  const lived = storage.query("SELECT 1 FROM sqlite_master WHERE name = 'publications'").length > 0;
  if (!lived) return [];
  const rows = storage.query("SELECT offset, body FROM publications ORDER BY offset");
  const kept = rows.map(({ offset, body }) => {
    const { data } = JSON.parse(String(body)) as { data: { id: string } };
    return { offset: Number(offset), id: data.id };
  });
  const first = kept[0]?.offset ?? 1;
  const trimmed = Array.from({ length: first - 1 }, (_, n) => ({ offset: n + 1, id: UNSEEN }));
  for (const { channel: heardOn, heard } of clients.flatMap((client) => client.hearings())) {
    if (heardOn !== channel) continue;
    for (const one of heard) if (one.offset < first) trimmed[one.offset - 1] = one;
  }
  return [...trimmed, ...kept];
}
