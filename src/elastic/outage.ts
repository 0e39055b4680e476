/**
 * When a region is down, and when it has come back (SPEC EL41, EL43). Times are ms since 1970, and every wait is counted
 * in the pause between two checks.
 */

/** One region that is watched, because a router has seen no answer or because shards are down. Plain data. */
export type Watch = {
  /** So many checks in a row no active shard has answered. */
  readonly silentChecks: number;
  /** So many checks in a row said nothing, because the default region did not answer either. */
  readonly blindChecks: number;
  /** When the region went down; null while it is only suspected. */
  readonly downSince: number | null;
  /** For each shard that is down, how many checks in a row it has answered. */
  readonly answered: Readonly<Record<string, number>>;
  /** How often the region went down again soon after it had come back. */
  readonly relapses: number;
  /** When the region last came back; null if it has not been down. */
  readonly recoveredAt: number | null;
  /** When the region is checked; null while only its past is known. */
  readonly nextAt: number | null;
};

/** The part of a watch that outlasts an outage. */
export type PastOutages = Pick<Watch, "relapses" | "recoveredAt">;

export type OutageChange = {
  readonly kind: "outage" | "recovery";
  readonly ids: readonly string[];
  readonly reason: string;
};

/** `watch`: undefined where nothing has to be remembered. */
export type Checked = { readonly watch: Watch | undefined; readonly change: OutageChange | undefined };

/** So many checks in a row without an answer of any shard make an outage. */
const SILENT_CHECKS = 3;
/** So many checks in a row that a shard has answered bring it back. */
const ANSWERED_CHECKS = 2;
/** A suspicion ends after so many checks in which the default region has not answered either. */
const BLIND_CHECKS = 20;
/** An outage lasts so many pauses at least, and twice as long with each relapse. */
const FIRST_OUTAGE = 10;
/** A region that goes down within so many pauses of its recovery has a relapse: an hour. */
const RELAPSE = 1_200;
/** The longest pause between two checks of a region that is down: five minutes. */
const LONGEST_PAUSE = 100;

const UNWATCHED: Watch = {
  silentChecks: 0,
  blindChecks: 0,
  downSince: null,
  answered: {},
  relapses: 0,
  recoveredAt: null,
  nextAt: null,
};

/** A region of which a router has seen no answer, or whose shards are down already, is checked at once. */
export const suspect = (watch: Watch | undefined, now: number): Watch => {
  const known = watch ?? UNWATCHED;
  return { ...known, nextAt: Math.min(known.nextAt ?? now, now) };
};

/**
 * The next state of a region after one check of all its shards.
 *
 * A region goes down as a whole, where none of its shards has answered three checks in a row and the default region has.
 * It comes back with the shards that have answered twice in a row, once they are half of it; each other one follows when
 * it answers. A region that has just come back and goes down again stays down for twice as long.
 */
export function stepOutage(before: Watch, check: OutageCheck): Checked {
  const active = idsIn(check, "active");
  const { answered, homeAnswers, pauseMs, now, region } = check;
  const isSilent = active.length > 0 && !active.some((id) => answered.has(id));
  const silentChecks = isSilent && homeAnswers ? before.silentChecks + 1 : 0;
  if (silentChecks >= SILENT_CHECKS) {
    const reason = `no shard of ${region} has answered ${SILENT_CHECKS} checks in a row`;
    return { watch: beginOutage(before, check), change: { kind: "outage", ids: active, reason } };
  }
  const blindChecks = isSilent && !homeAnswers ? before.blindChecks + 1 : 0;
  const watch: Watch = { ...before, silentChecks, blindChecks };
  if (idsIn(check, "down").length > 0) return stepDown(watch, check);
  if (isSilent && blindChecks < BLIND_CHECKS)
    return { watch: { ...watch, nextAt: now + pauseMs }, change: undefined };
  return { watch: rest(watch, check), change: undefined };
}

/** The watch of a region that goes down now. One that has just come back stays down for twice as long. */
export function beginOutage(
  past: PastOutages | undefined,
  { now, pauseMs }: Pick<OutageCheck, "now" | "pauseMs">,
): Watch {
  const relapses = past === undefined || isPast(past, { now, pauseMs }) ? 0 : past.relapses + 1;
  return { ...UNWATCHED, downSince: now, relapses, nextAt: now + pauseMs };
}

/** One check of all shards of a region. */
export type OutageCheck = {
  readonly region: string;
  readonly shards: readonly { readonly id: string; readonly state: "active" | "draining" | "down" }[];
  /** The ids of the shards that answered. */
  readonly answered: ReadonlySet<string>;
  /** Whether a shard of the default region answered. */
  readonly homeAnswers: boolean;
  readonly pauseMs: number;
  readonly now: number;
};

const idsIn = ({ shards }: OutageCheck, wanted: "active" | "down"): string[] =>
  shards.filter(({ state }) => state === wanted).map(({ id }) => id);

function stepDown(before: Watch, check: OutageCheck): Checked {
  const { pauseMs, now, region } = check;
  const down = idsIn(check, "down");
  const downSince = before.downSince ?? now;
  const answered = Object.fromEntries(
    down.map((id) => [id, check.answered.has(id) ? (before.answered[id] ?? 0) + 1 : 0]),
  );
  const ready = down.filter((id) => (answered[id] ?? 0) >= ANSWERED_CHECKS);
  const enough = idsIn(check, "active").length > 0 ? 1 : Math.ceil(down.length / 2);
  const earliest = downSince + Math.min(FIRST_OUTAGE * 2 ** before.relapses, RELAPSE) * pauseMs;
  if (ready.length >= enough && now >= earliest) {
    const isLast = ready.length === down.length;
    const watch: Watch = {
      ...before,
      answered: {},
      recoveredAt: now,
      downSince: isLast ? null : downSince,
      nextAt: isLast ? null : now + pauseMs,
    };
    const reason = `${ready.join(", ")} of ${region} answer again`;
    return { watch, change: { kind: "recovery", ids: ready, reason } };
  }
  const isBack = down.filter((id) => check.answered.has(id)).length >= enough;
  // Half as long as the outage has lasted, so that a long one costs little.
  const backOff = Math.min(Math.max((now - downSince) / 2, pauseMs), LONGEST_PAUSE * pauseMs);
  const pause = isBack ? Math.max(pauseMs, earliest - now - pauseMs) : backOff;
  const nextAt = now + (before.silentChecks + before.blindChecks > 0 ? pauseMs : pause);
  return { watch: { ...before, downSince, answered, nextAt }, change: undefined };
}

/** The suspicion ends. */
function rest(before: Watch, check: OutageCheck): Watch | undefined {
  const { recoveredAt, relapses } = before;
  return isPast(before, check) ? undefined : { ...UNWATCHED, recoveredAt, relapses };
}

/** Whether the outages of a region count no more, as another one would be no relapse. */
export const isPast = (
  { recoveredAt }: PastOutages,
  { now, pauseMs }: Pick<OutageCheck, "now" | "pauseMs">,
): boolean => recoveredAt === null || now - recoveredAt >= RELAPSE * pauseMs;
