/** How many publications a channel of the namespace `short` keeps. */
export const SHORT_KEEPS = 4;

/** The variables of a deployment of the present release. */
export const VARIABLES = {
  RINGCAST: {
    development: true,
    insecure: true,
    anonymous: true,
    shards: { initial: 3 },
    limits: { recoveryMaxPublications: 1_000 },
  },
  RINGCAST_NS_kept: { history_size: 1_000, history_ttl: "24h", force_recovery: true, presence: true },
  RINGCAST_NS_short: { history_size: SHORT_KEEPS, history_ttl: "24h", force_recovery: true },
  RINGCAST_NS_delta: {
    history_size: 1_000,
    history_ttl: "24h",
    force_recovery: true,
    allowed_delta_types: ["fossil"],
  },
  RINGCAST_NS_fleeting: {},
  RINGCAST_NS_many: {},
};

/**
 * The variables of a deployment of the release before. They differ where the present release has settings that the
 * release before refuses, as a release refuses every setting that it does not know.
 */
export const VARIABLES_BEFORE: Readonly<Record<string, unknown>> = VARIABLES;
