import type { Jurisdiction } from "../config/regions.ts";
import { CONTRACT } from "../contracts/version.ts";
import { coordinatorIn } from "../platform/calls.ts";
import { hasJurisdictions, refuseOtherJurisdiction, refuseSecondCluster } from "../platform/jurisdiction.ts";

/** The key of {@link UNCHECKED}; without a value the cluster is in its place. */
const PLACE = "place";
/** The other jurisdictions have not been asked yet whether the deployment has a cluster already. */
const UNCHECKED = "unchecked";

/**
 * MUST be the coordinator's look at its storage before it begins a cluster: it is in the configured jurisdiction, and no
 * other jurisdiction has the cluster of this deployment (SPEC EL47). Throws `ConfigError`, or resets the object with it.
 */
export function checkPlace(
  ctx: DurableObjectState,
  env: RingcastEnv,
  jurisdiction: Jurisdiction | undefined,
): void {
  const { kv } = ctx.storage;
  const hasEpochs =
    ctx.storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'epochs'").toArray().length > 0;
  const isUnchecked = () => kv.get<string>(PLACE) === UNCHECKED;
  refuseOtherJurisdiction(ctx.id, jurisdiction, () => hasEpochs && !isUnchecked());
  if (!hasJurisdictions(env.COORDINATOR) || (hasEpochs && !isUnchecked())) return;
  kv.put(PLACE, UNCHECKED);
  void ctx.blockConcurrencyWhile(async () => {
    await refuseSecondCluster(jurisdiction, (other) => coordinatorIn(env, other).descriptor(CONTRACT));
    kv.delete(PLACE);
  });
}
