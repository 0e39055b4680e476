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

const scaling = (limits: object, marks: object) => ({
  ...VARIABLES,
  RINGCAST: {
    ...VARIABLES.RINGCAST,
    shards: { initial: 3, max: 8 },
    limits: { ...VARIABLES.RINGCAST.limits, ...limits },
    // A call takes up to 12 s here, and a shard that hands a client on waits for reports twice as long as both (SPEC EL31).
    times: { healthReportMs: 5_000, pingIntervalMs: 12_000 },
    scale: {
      ...marks,
      mode: "on",
      min: 2,
      boundFactor: 1.05,
      boundFloor: 1,
      lowForMs: 10_000,
      settleMs: 15_000,
      youngMs: 5_000,
    },
  },
});

/**
 * Deployments whose ring moves by itself within seconds, and whose shards hand clients on to the next owner: one where
 * a few clients fill a shard, and one where a crowd that comes back makes the ring grow and its silence makes it shrink.
 * The release before has none of these settings.
 */
export const SCALING_VARIABLES: readonly Readonly<Record<string, unknown>>[] = [
  scaling({ sessionsPerShard: 4 }, { mark: 0.5, target: 0.4 }),
  scaling(
    { sessionsPerShard: 100, upgradesPerSecond: 1, upgradeBurst: 1_000 },
    { mark: 0.05, target: 0.025, pressureMark: 0.08 },
  ),
];

/** A deployment whose Socket.IO clients are recovered. */
export const SOCKETIO_VARIABLES = {
  ...VARIABLES,
  RINGCAST: { ...VARIABLES.RINGCAST, socketio: { connectionStateRecovery: true } },
};

/**
 * The variables of a deployment of the release before. They differ where the present release has settings that the
 * release before refuses, as a release refuses every setting that it does not know.
 */
export const VARIABLES_BEFORE: Readonly<Record<string, unknown>> = VARIABLES;
