import { regionsIn, type Jurisdiction } from "../config/regions.ts";
import type { Change, ChangeRefusalCode } from "../contracts/change.ts";
import {
  checkShards,
  MAX_WEIGHT,
  type Descriptor,
  type ShardSpec,
  type ShardsRefusal,
} from "../ring/descriptor.ts";

export type PlannedChange =
  | { readonly kind: "changed"; readonly descriptor: Descriptor; readonly cause: string }
  | { readonly kind: "unchanged"; readonly cause: string }
  | { readonly kind: "refused"; readonly code: ChangeRefusalCode; readonly message: string };

export type ChangeContext = {
  readonly descriptor: Descriptor;
  /** Every id that was ever in a descriptor. */
  readonly used: ReadonlySet<string>;
  /** The descriptor that a rollback names, where it is known. */
  readonly earlier: Descriptor | undefined;
  /** Epochs before this one are kept no more. */
  readonly oldestEpoch: number;
  readonly shardsMax: number;
  readonly weight: number;
  readonly jurisdiction?: Jurisdiction | undefined;
};

/**
 * The descriptor that follows from a change, or why there is none (SPEC MB1 to MB4).
 *
 * A change that is carried out already is `unchanged`, so a repeated order changes nothing. A number in an id that was made here is
 * never used again.
 */
export function planChange(change: Change, context: ChangeContext): PlannedChange {
  const plan = planShards(change, context);
  if (plan.kind === "refused") return plan;
  const { descriptor } = context;
  if (sameShards(plan.shards, descriptor.shards)) return { kind: "unchanged", cause: plan.cause };
  if (!plan.shards.some(({ state }) => state === "active")) {
    return refuse("lastShard", "the last active shard cannot leave: no shard would own its clients");
  }
  const grows = plan.shards.length > descriptor.shards.length;
  if (grows && plan.shards.length > context.shardsMax) {
    return refuse(
      "tooManyShards",
      `that would make ${plan.shards.length} shards, and shards.max is ${context.shardsMax}`,
    );
  }
  const next = { ...descriptor, epoch: descriptor.epoch + 1, shards: plan.shards };
  const check = checkShards(next);
  if (!check.ok) return refuse("badShards", describe(check.reason));
  return { kind: "changed", descriptor: next, cause: plan.cause };
}

type PlannedShards =
  | { readonly kind: "planned"; readonly shards: readonly ShardSpec[]; readonly cause: string }
  | Extract<PlannedChange, { kind: "refused" }>;

function planShards(change: Change, context: ChangeContext): PlannedShards {
  const { shards } = context.descriptor;
  switch (change.kind) {
    case "add":
      return planAdd(change, context);
    case "drain":
      if (find(shards, change.id) === undefined) return unknown(change.id);
      return planned(updated(shards, change.id, { state: "draining" }), `drain ${change.id}`);
    case "remove":
      if (find(shards, change.id) === undefined && !context.used.has(change.id)) return unknown(change.id);
      return planned(
        shards.filter(({ id }) => id !== change.id),
        `remove ${change.id}`,
      );
    case "weight":
      if (find(shards, change.id) === undefined) return unknown(change.id);
      return planned(
        updated(shards, change.id, { weight: change.weight }),
        `weight ${change.id} ${change.weight}`,
      );
    case "weights": {
      const missing = change.ids.find((id) => find(shards, id) === undefined);
      if (missing !== undefined) return unknown(missing);
      const changed = shards.map((shard) =>
        change.ids.includes(shard.id) ? { ...shard, weight: change.weight } : shard,
      );
      return planned(changed, `weight ${change.ids.join(", ")} ${change.weight}`);
    }
    case "outage":
    case "recovery": {
      const [from, to] =
        change.kind === "outage" ? (["active", "down"] as const) : (["down", "active"] as const);
      const changed = shards.map((shard) =>
        change.ids.includes(shard.id) && shard.state === from ? { ...shard, state: to } : shard,
      );
      return planned(changed, `${change.kind} of ${change.ids.join(", ")}`);
    }
    case "rollback":
      if (context.earlier === undefined) {
        const isForgotten = change.ringEpoch >= 1 && change.ringEpoch < context.oldestEpoch;
        return refuse(
          "notFound",
          isForgotten
            ? `epoch ${change.ringEpoch} is kept no more; the oldest is ${context.oldestEpoch}`
            : `there is no epoch ${change.ringEpoch}`,
        );
      }
      return planned(restored(context.earlier.shards, shards), `rollback to epoch ${change.ringEpoch}`);
  }
}

function planAdd(change: Extract<Change, { kind: "add" }>, context: ChangeContext): PlannedShards {
  const { descriptor } = context;
  const region = change.region ?? descriptor.defaultRegion;
  if (!regionsIn(context.jurisdiction).some((one) => one === region))
    return refuse("conflict", `region ${region} is outside the jurisdiction ${context.jurisdiction}`);
  const ids = change.ids ?? newIds(region, change.count ?? 1, context.used);
  let { shards } = descriptor;
  for (const id of ids) {
    const present = find(shards, id);
    if (present === undefined) {
      shards = [...shards, { id, region, weight: change.weight ?? context.weight, state: "active" }];
      continue;
    }
    if (change.region !== undefined && present.region !== region) {
      return refuse("conflict", `shard ${id} is there already, in region ${present.region}`);
    }
    if (change.weight !== undefined && present.weight !== change.weight) {
      return refuse("conflict", `shard ${id} is there already, with weight ${present.weight}`);
    }
    shards = updated(shards, id, { state: "active" });
  }
  return planned(shards, `add ${ids.join(", ")}`);
}

/** The shards of an earlier epoch. A shard is down where it is now: an outage is a fact, and no operator's wish. */
function restored(earlier: readonly ShardSpec[], present: readonly ShardSpec[]): ShardSpec[] {
  return earlier.map((shard) => {
    if (shard.state === "draining") return shard;
    return { ...shard, state: find(present, shard.id)?.state === "down" ? "down" : "active" };
  });
}

/** `region-n`, counting on from the highest number that the region has ever had. */
function newIds(region: string, count: number, used: ReadonlySet<string>): string[] {
  const prefix = `${region}-`;
  let last = 0;
  for (const id of used) {
    const number = id.startsWith(prefix) ? id.slice(prefix.length) : "";
    if (/^\d{1,15}$/.test(number)) last = Math.max(last, Number(number));
  }
  return Array.from({ length: count }, (_, n) => `${prefix}${last + 1 + n}`);
}

const find = (shards: readonly ShardSpec[], id: string) => shards.find((shard) => shard.id === id);

const updated = (shards: readonly ShardSpec[], id: string, fields: Partial<ShardSpec>): ShardSpec[] =>
  shards.map((shard) => (shard.id === id ? { ...shard, ...fields } : shard));

const planned = (shards: readonly ShardSpec[], cause: string): PlannedShards => ({
  kind: "planned",
  shards,
  cause,
});

const refuse = (code: ChangeRefusalCode, message: string) => ({ kind: "refused", code, message }) as const;

const unknown = (id: string) => refuse("notFound", `there is no shard ${id}`);

function sameShards(some: readonly ShardSpec[], others: readonly ShardSpec[]): boolean {
  if (some.length !== others.length) return false;
  const byId = new Map(others.map((shard) => [shard.id, shard]));
  return some.every((shard) => {
    const other = byId.get(shard.id);
    return other?.region === shard.region && other.weight === shard.weight && other.state === shard.state;
  });
}

function describe(reason: ShardsRefusal): string {
  switch (reason.kind) {
    case "tooManyShards":
      return `a ring has at most ${reason.most} shards`;
    case "badWeight":
      return `the weight of shard ${reason.id} must be a whole number from 1 to ${MAX_WEIGHT}, not ${reason.weight}`;
    case "duplicateId":
      return `shard ${reason.id} is named twice`;
    case "hashCollision":
      return `the ids ${reason.id} and ${reason.other} have the same hash; choose another id`;
  }
}
