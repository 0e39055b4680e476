import type { Descriptor } from "../ring/descriptor.ts";
import type { ChangeAnswer, ChangeRefusalCode, ChangeResult } from "./change.ts";
import type {
  ActOrder,
  Delivered,
  DeliverOrder,
  DeliverTarget,
  FannedOut,
  Outcome,
  Reached,
  SentByRing,
} from "./orders.ts";
import { FIRST_CONTRACT } from "./version.ts";

/**
 * The shapes of release 0.1.0 that contract 2 has changed, and the ways to and from them. The next release deletes this
 * file. A request has the same shape in both; an answer goes out in the caller's shape, and is read in either.
 */

/** The result of an order at one shard, whether it delivered or acted. */
export type Done1 = {
  readonly sessions: number;
  readonly noListeners: boolean;
  readonly users: ReadonlyMap<string, number>;
};
export type Order1 = DeliverOrder | ActOrder;
/** The last two are there where the order is a delivery. */
export type Target1 = { readonly name: string; readonly region: string } & Partial<
  Pick<DeliverTarget, "registration" | "mayRepeat">
>;
export type SentByRing1 = {
  readonly newer: Descriptor | null;
  readonly done: Done1 | null;
  readonly spilled: boolean;
};
/** One of the two is null. */
export type ChangeAnswer1 = {
  readonly result: ChangeResult | null;
  readonly refused: { readonly code: ChangeRefusalCode; readonly message: string } | null;
};

/** A caller of contract 1 gets its answer in the shapes below. */
export const isContract1 = (contract: number = FIRST_CONTRACT): boolean => contract === FIRST_CONTRACT;

const NOBODY: ReadonlyMap<string, number> = new Map();

export const doneTo1 = (done: Delivered | Reached): Done1 =>
  done.kind === "reached"
    ? { sessions: done.sessions, noListeners: false, users: done.users }
    : { sessions: done.sessions, noListeners: done.kind === "noListeners", users: NOBODY };

export function readReached(done: Delivered | Reached | Done1): Reached {
  if (!("kind" in done)) return { kind: "reached", sessions: done.sessions, users: done.users };
  return done.kind === "reached" ? done : { kind: "reached", sessions: done.sessions, users: NOBODY };
}

export function readDelivered(done: Delivered | Reached | Done1): Delivered {
  if ("kind" in done && done.kind !== "reached") return done;
  const noListeners = "noListeners" in done && done.noListeners;
  return { kind: noListeners ? "noListeners" : "delivered", sessions: done.sessions };
}

export const outcomesTo1 = (outcomes: readonly Outcome<Delivered | Reached>[]): Outcome<Done1>[] =>
  outcomes.map(({ done, ...outcome }) => ({ ...outcome, done: done === null ? null : doneTo1(done) }));

/** Reads each part of a fan-out, whatever the release of the shard that answered. */
export const readOutcomes = <Done>(
  outcomes: readonly Outcome<Delivered | Reached | Done1>[],
  read: (done: Delivered | Reached | Done1) => Done,
): Outcome<Done>[] =>
  outcomes.map(({ done, ...outcome }) => ({ ...outcome, done: done === null ? null : read(done) }));

export const readFannedOut = (fanned: FannedOut<Reached | Done1>): FannedOut<Reached> => ({
  calls: fanned.calls,
  outcomes: readOutcomes(fanned.outcomes, readReached),
});

export const sentTo1 = (sent: SentByRing): SentByRing1 =>
  sent.kind === "newer"
    ? { newer: sent.descriptor, done: null, spilled: sent.spilled }
    : { newer: null, done: doneTo1(sent.reached), spilled: sent.spilled };

export function readSent(sent: SentByRing | SentByRing1): SentByRing {
  if ("kind" in sent) return sent;
  const { newer, done, spilled } = sent;
  if (newer !== null) return { kind: "newer", descriptor: newer, spilled };
  return {
    kind: "sent",
    reached: { kind: "reached", sessions: done?.sessions ?? 0, users: done?.users ?? NOBODY },
    spilled,
  };
}

export const changeTo1 = (answer: ChangeAnswer): ChangeAnswer1 =>
  answer.kind === "done"
    ? { result: answer.result, refused: null }
    : { result: null, refused: { code: answer.code, message: answer.message } };

export function readChange(answer: ChangeAnswer | ChangeAnswer1): ChangeAnswer {
  if ("kind" in answer) return answer;
  if (answer.result !== null) return { kind: "done", result: answer.result };
  const { code, message } = answer.refused ?? { code: "conflict", message: "refused" };
  return { kind: "refused", code, message };
}
