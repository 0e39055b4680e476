import { distinctUsers, type DistinctUsers } from "./distinct-users.ts";
import type { Present } from "./publication.ts";

/** How much of a presence may be listed; see {@link bytesOfPresent} for `bytes`. */
export type PresenceLimit = { readonly clients: number; readonly bytes: number };

/** Release 0.2.0 sets no limit. A call has at most 32 MiB. */
export const RELEASE_BEFORE_LIMIT: PresenceLimit = { clients: Infinity, bytes: 16_777_216 };

/** The clients of a channel. `tooLarge`: there are more than the limit, and a part would be a lie. */
export type PresenceList =
  | { readonly kind: "present"; readonly present: readonly Present[] }
  | { readonly kind: "tooLarge" };

export type PresenceCount = { readonly clients: number; readonly users: DistinctUsers };

/** About as many bytes as an entry has in an answer. */
export const bytesOfPresent = ({ client, user, info }: Present): number =>
  client.length + user.length + info.length;

/** The list of a release that does not know limits. */
export function limitPresence(present: readonly Present[], limit: PresenceLimit): PresenceList {
  const bytes = present.reduce((sum, one) => sum + bytesOfPresent(one), 0);
  return present.length > limit.clients || bytes > limit.bytes
    ? { kind: "tooLarge" }
    : { kind: "present", present };
}

export const countPresence = (present: readonly Present[]): PresenceCount => ({
  clients: present.length,
  users: distinctUsers(present.map(({ user }) => user)),
});
