import type { Identity } from "../shard/connections/identify.ts";

type Refused = Extract<Identity, { readonly kind: "refused" }>;

/** The bytes of a close reason (docs/platform.md P13). */
const MOST = 123;

/**
 * The reason of a close in development, which says what the client or the configuration lacks (SPEC FH2). A deployment
 * closes with the text of the code alone.
 */
export function refusalReason({ why, detail = "" }: Refused): string | undefined {
  switch (why) {
    case "noToken":
      return "no token: the client needs one (its option token or getToken), or RINGCAST needs anonymous = true";
    case "invalidToken":
      return `invalid token: ${detail.replaceAll(/[^\x20-\x7e]/g, "?")}`.slice(0, MOST);
    case "foreignKey":
      return "permission denied: with affinity.userIsKey the user of the token must be the ?key= of the address";
    case "tokenExpired":
    case "unavailable":
      return undefined;
  }
}
