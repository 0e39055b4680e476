/** How one object finds another. Only the first `get` of an object places it, so every caller gives the hint. */

export type ShardRef = { readonly name: string; readonly region: string };

export const shardRef = (shard: { id: string; region: string }): ShardRef => ({
  name: `${shard.region}/${shard.id}`,
  region: shard.region,
});

/** The id of a shard by its object's name. */
export const idOf = (name: string): string => name.slice(name.indexOf("/") + 1);

export function shardStub(env: Cloudflare.Env, shard: ShardRef) {
  return env.SHARD.getByName(
    shard.name,
    shard.region === "auto" ? {} : { locationHint: shard.region as DurableObjectLocationHint },
  );
}

export const channelStub = (env: Cloudflare.Env, channel: string) => env.CHANNEL.getByName(channel);

/** One for each cluster: a Worker is a cluster. */
export const coordinatorStub = (env: Cloudflare.Env) => env.COORDINATOR.getByName("coordinator");
