import { hoveredShard } from "../data/selection.ts";
import { shards, type ShardView } from "../data/shards.ts";
import { feed } from "../data/store.ts";
import { percent, plural } from "../model/format.ts";

/** The text in the middle of the ring: the hovered shard, else the whole cluster. */
export function RingCentre() {
  const shard = shards.value.find(({ id }) => id === hoveredShard.value);
  return shard === undefined ? <ClusterText /> : <ShardText shard={shard} />;
}

function ShardText({ shard }: { readonly shard: ShardView }) {
  return (
    <g class="centre">
      <text class="centre-small" y="-38">
        {shard.region} · weight {shard.weight} · {shard.state}
      </text>
      <text class="centre-large" y="-4">
        {shard.id}
      </text>
      <text class="centre-line" y="24">
        {percent(shard.share)} of the ring
      </text>
      <text class="centre-line" y="44">
        {shard.sessions === null ? "sessions unknown" : plural(shard.sessions, "session")}
      </text>
    </g>
  );
}

function ClusterText() {
  const sessions = shards.value.reduce((sum, shard) => sum + (shard.sessions ?? 0), 0);
  const members = shards.value.filter(({ state }) => state !== "leaving").length;
  return (
    <g class="centre">
      <text class="centre-small" y="-38">
        epoch
      </text>
      <text class="centre-huge" y="6">
        {feed.value.descriptor?.epoch ?? "–"}
      </text>
      <text class="centre-line" y="36">
        {plural(sessions, "session")}
      </text>
      <text class="centre-line" y="56">
        {plural(members, "shard")}
      </text>
    </g>
  );
}
