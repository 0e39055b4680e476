import { keepsHistory } from "../config/namespace.ts";
import { logOptionsOf } from "./channels.ts";
import { mayHistory, type Asked } from "./permissions.ts";

export type Tracking = {
  readonly recoverable: boolean;
  readonly positioned: boolean;
  /** Publications come as patches of the one before. */
  readonly delta: boolean;
  readonly mode: "stream" | "cache";
};

/** Plans what a subscription keeps track of: what its namespace forces, and what it permits and the client wishes. */
export function planTracking(
  asked: Asked & {
    readonly recoverable: boolean;
    readonly positioned: boolean;
    readonly delta: string | undefined;
    /** The server wishes it, and needs no permission. */
    readonly byServer?: boolean | undefined;
  },
): Tracking {
  const namespace = logOptionsOf(asked.config, asked.channel);
  if (namespace === undefined || !keepsHistory(namespace)) {
    return { recoverable: false, positioned: false, delta: false, mode: "stream" };
  }
  const history = mayHistory({ ...asked, subscribed: true }) === "allowed";
  const recoverable =
    namespace.force_recovery ||
    (asked.recoverable && (namespace.allow_recovery || history || asked.byServer === true));
  const positioned =
    namespace.force_positioning || (asked.positioned && (namespace.allow_positioning || history));
  const tracked = recoverable || positioned;
  const delta = tracked && asked.delta === "fossil" && namespace.allowed_delta_types.includes("fossil");
  return { recoverable, positioned: tracked, delta, mode: namespace.force_recovery_mode };
}
