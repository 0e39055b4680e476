import { signal } from "@preact/signals";
import { storyOf, type RingCache, type SessionStory, type SessionSummary } from "../model/session-story.ts";
import { callAdminApi, messageOf } from "./api.ts";
import { cluster, feed } from "./store.ts";

/** The sessions of one user, or the one with an id: as old as `at`, ms since 1970, as each look asks every shard. */
export type SessionsLook = {
  readonly of: string;
  readonly at: number;
  readonly sessions: readonly SessionSummary[];
  readonly truncated: boolean;
  readonly unreachable: readonly string[];
};

export const sessionsLook = signal<SessionsLook | undefined>(undefined);
export const sessionsProblem = signal<string | undefined>(undefined);

let newest = 0;
const rings: RingCache = new Map();

/** Looks for the sessions of a user, and for one whose id this is. */
export async function lookForSessions(of: string): Promise<void> {
  newest += 1;
  const mine = newest;
  sessionsLook.value = undefined;
  sessionsProblem.value = undefined;
  try {
    const answer = await callAdminApi<Omit<SessionsLook, "of" | "at">>(
      "GET",
      `/sessions?of=${encodeURIComponent(of)}`,
    );
    if (mine === newest) sessionsLook.value = { of, at: Date.now(), ...answer };
  } catch (error) {
    if (mine === newest) sessionsProblem.value = messageOf(error);
  }
}

export function forgetSessions(): void {
  newest += 1;
  sessionsLook.value = undefined;
  sessionsProblem.value = undefined;
}

/** By the ring of the region whose shard holds the session. */
export function tellStory(session: SessionSummary): SessionStory | undefined {
  const present = cluster.value;
  const { epochs, descriptor } = feed.value;
  if (present === undefined || descriptor === undefined) return undefined;
  const region = descriptor.shards.find(({ id }) => id === session.shard)?.region ?? descriptor.defaultRegion;
  const { seed, defaultRegion } = present;
  return storyOf(session, { epochs, seed, defaultRegion, region }, rings);
}
