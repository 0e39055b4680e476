/** The change that the drawer is open for. */
export type DrawerContent =
  /** `count` and `region`: what the policy suggests. */
  | { readonly kind: "add"; readonly count?: number; readonly region?: string }
  | { readonly kind: "shard"; readonly id: string }
  | { readonly kind: "rollback"; readonly ringEpoch: number };

export type ChangeAction = "add" | "rollback" | "drain" | "weight" | "remove" | "crash";

/** A change of the ring as a request to the operator's API. */
export type ChangeRequest = {
  readonly method: "POST" | "PATCH" | "DELETE";
  readonly path: string;
  /** Undefined for a removal, which takes no body. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
};

/** The values of the drawer's inputs. `count` and `region` are for new shards. */
export type ChangeFields = {
  readonly count: number;
  readonly region: string;
  readonly weight: number;
};

/** The actions that the drawer offers, the default first. Only a cluster in development permits a crash. */
export function actionsFor(
  content: DrawerContent,
  { development }: { readonly development: boolean },
): readonly [ChangeAction, ...ChangeAction[]] {
  if (content.kind !== "shard") return [content.kind];
  return development ? ["drain", "weight", "remove", "crash"] : ["drain", "weight", "remove"];
}

/** Undefined for a crash, which is no change of the ring. */
export function requestFor(
  content: DrawerContent,
  action: ChangeAction,
  fields: ChangeFields,
): ChangeRequest | undefined {
  switch (content.kind) {
    case "add":
      return { method: "POST", path: "/shards", body: fields };
    case "rollback":
      return { method: "POST", path: "/rollback", body: { epoch: content.ringEpoch } };
    case "shard":
      return shardRequest(`/shards/${encodeURIComponent(content.id)}`, action, fields);
  }
}

function shardRequest(path: string, action: ChangeAction, fields: ChangeFields): ChangeRequest | undefined {
  switch (action) {
    case "drain":
      return { method: "POST", path: `${path}/drain`, body: {} };
    case "weight":
      return { method: "PATCH", path, body: { weight: fields.weight } };
    case "remove":
      return { method: "DELETE", path, body: undefined };
    default:
      return undefined;
  }
}
