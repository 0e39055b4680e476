import type { ChannelName } from "./channels.ts";

/**
 * How a user is written after the `#` of a channel's name (SPEC AU20). Each user has up to three forms, and no two
 * users share one:
 *
 * - the name itself, unless it begins with `=`;
 * - `=` and the percent-encoded name, for characters that a channel's name cannot have or that part it;
 * - `==` and the SHA-256 of the name's UTF-8 in hex, for a name that is too long.
 */

// An encoded name never begins with `=`, which is encoded as `%3D`.
const ENCODED = "=";
const DIGEST = "==";

/** Printable ASCII without a space at either end, and nothing that parts a channel's name. */
const PLAIN = /^(?![ =])[^\P{ASCII}\p{Cc}#,:]+(?<! )$/u;

/** The digest of a user is needed to know whether it is named. Most channels need none. */
export const needsDigest = ({ users = [] }: ChannelName): boolean =>
  users.some((entry) => entry.startsWith(DIGEST));

/** `digest` as {@link needsDigest} says: SHA-256 in hex. The empty user is never named. */
export function isNamed({ users = [] }: ChannelName, user: string, digest?: string): boolean {
  if (user === "") return false;
  const encoded = encode(user);
  return users.some((entry) => {
    if (entry.startsWith(DIGEST)) return digest !== undefined && entry === `${DIGEST}${digest}`;
    return entry.startsWith(ENCODED) ? entry === encoded : entry === user;
  });
}

/** The name of a user's own channel; undefined where only the digest of the user is short enough. */
export function shortPersonalChannel(prefix: string, user: string, maxBytes: number): string | undefined {
  const entry = PLAIN.test(user) ? user : encode(user);
  const name = entry === undefined ? undefined : `${prefix}#${entry}`;
  return name === undefined || name.length > maxBytes ? undefined : name;
}

export const digestPersonalChannel = (prefix: string, digest: string): string =>
  `${prefix}#${DIGEST}${digest}`;

/** Undefined where the name is no Unicode text, and so has no UTF-8. */
const encode = (user: string): string | undefined =>
  user.isWellFormed() ? `${ENCODED}${encodeURIComponent(user)}` : undefined;
