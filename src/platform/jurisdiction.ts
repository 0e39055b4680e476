import { ConfigError } from "../config/config.ts";
import { JURISDICTIONS, type Jurisdiction } from "../config/regions.ts";
import { logWarning } from "./logger.ts";

/** Where an object of a cluster without a jurisdiction is. */
const NONE = "no jurisdiction";
const SETTING = "RINGCAST.shards.jurisdiction";
/** The end of the answer of a coordinator that has a cluster and is outside the configured jurisdiction. */
const HAS_CLUSTER = "and it has the cluster of this deployment";
const ATTEMPTS = 3;

/** The objects of a class within a jurisdiction. Throws `ConfigError` where the runtime knows no jurisdictions. */
export function namespaceIn<Namespace extends { jurisdiction(name: Jurisdiction): Namespace }>(
  namespace: Namespace,
  jurisdiction: Jurisdiction | undefined,
): Namespace {
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    throw new ConfigError(`${SETTING}: this runtime has no jurisdiction "${jurisdiction}": ${String(error)}`);
  }
}

/** Whether the runtime knows jurisdictions; workerd on one machine does not. */
export function hasJurisdictions(namespace: { jurisdiction(name: Jurisdiction): unknown }): boolean {
  try {
    namespace.jurisdiction(JURISDICTIONS[0]);
    return true;
  } catch {
    return false;
  }
}

/**
 * MUST be one of the first looks of an object: an object that is outside the configured jurisdiction does nothing, so that
 * a changed setting splits no cluster in two (SPEC EL47). `hasCluster`: it is a coordinator with epochs.
 */
export function refuseOtherJurisdiction(
  id: Pick<DurableObjectId, "jurisdiction">,
  configured: Jurisdiction | undefined,
  hasCluster: () => boolean = () => false,
): void {
  // The local runtime has the property without a value.
  if ((id.jurisdiction ?? undefined) === configured) return;
  const place = `this object is in ${id.jurisdiction ?? NONE}, and the setting is ${configured ?? NONE}`;
  throw new ConfigError(`${SETTING}: ${place}${hasCluster() ? `, ${HAS_CLUSTER}` : ""}`);
}

/**
 * For a coordinator that begins a cluster: throws `ConfigError` where the coordinator of another jurisdiction has one
 * already (SPEC EL47). One that does not answer counts as having none, as an account may lack a jurisdiction.
 */
export async function refuseSecondCluster(
  configured: Jurisdiction | undefined,
  ask: (jurisdiction: Jurisdiction | undefined) => Promise<unknown>,
): Promise<void> {
  const others = [undefined, ...JURISDICTIONS].filter((one) => one !== configured);
  for (const other of others) {
    const answer = await answerOf(() => ask(other));
    if (!answer.includes(HAS_CLUSTER)) continue;
    throw new ConfigError(
      `${SETTING}: the cluster of this deployment is in ${other ?? NONE}, and the setting is ${configured ?? NONE}; a cluster cannot change its jurisdiction`,
    );
  }
}

/** The text of the error that a coordinator outside the configured jurisdiction answers with. */
async function answerOf(ask: () => Promise<unknown>): Promise<string> {
  let answer = "";
  for (let attempt = 1; attempt <= ATTEMPTS && !answer.includes(SETTING); attempt++) {
    try {
      await ask();
    } catch (error) {
      answer = String(error);
    }
  }
  if (!answer.includes(SETTING))
    logWarning("a jurisdiction did not say whether it has a cluster", { answer });
  return answer;
}
