import type { ShardSpec } from "../ring/descriptor.ts";

/** The front of the objects behind the binding `SHARD`. Those of any other front are behind `SHARD_<FRONT>`. */
export const FIRST_FRONT = "centrifuge";

/**
 * Where a shard's object is: its front, and the name under which the front's binding knows it.
 *
 * The region is part of the name, as an object never moves after its first call (docs/platform.md P32).
 */
export type ShardAddress = {
  readonly front: string;
  /** `<region>/<id>`. */
  readonly name: string;
  readonly region: string;
  /** The shard's id in the ring. */
  readonly id: string;
};

/** An address in a call or a row; a row of release 0.1.0 has neither a front nor an id. */
export type SentAddress = { readonly name: string; readonly region: string; readonly front?: string };

export const shardAddress = (
  front: string,
  { id, region }: Pick<ShardSpec, "id" | "region">,
): ShardAddress => ({
  front,
  name: objectName({ id, region }),
  region,
  id,
});

export const readAddress = ({ name, front = FIRST_FRONT }: SentAddress): ShardAddress => ({
  front,
  name,
  ...shardOfObject(name),
});

/** The address of an object by its own name. Throws where the name is none of a shard. */
export function addressOfObject(front: string, name: string | undefined): ShardAddress {
  if (name === undefined || !/^[^/]+\/./.test(name))
    throw new Error("a shard is addressed by its region and id");
  return readAddress({ name, region: shardOfObject(name).region, front });
}

/** The shard whose Durable Object has this name; see {@link objectName}. */
export function shardOfObject(name: string): Pick<ShardSpec, "id" | "region"> {
  const at = name.indexOf("/");
  return { region: name.slice(0, at), id: name.slice(at + 1) };
}

/** The name of the shard's Durable Object. It holds the region, because an object never moves after its first call. */
export function objectName(shard: Pick<ShardSpec, "id" | "region">): string {
  return `${shard.region}/${shard.id}`;
}

/** One text for one object: a key in maps and rows. For the first front it is the object's name. */
export const addressKey = ({ front, name }: ShardAddress): string =>
  front === FIRST_FRONT ? name : `${front}:${name}`;
