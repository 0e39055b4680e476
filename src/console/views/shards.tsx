import { openDrawer } from "../data/change.ts";
import { route, setQuery } from "../data/route.ts";
import { shards } from "../data/shards.ts";
import { cluster } from "../data/store.ts";
import { count, plural } from "../model/format.ts";
import { hashOf } from "../model/route.ts";
import { firstOrder, listShards, mostNotable, readFilter, STATES, type Sort } from "../model/shard-list.ts";
import { Field, Panel, readOnly } from "./parts.tsx";
import { ShardTable } from "./shard-table.tsx";

const ASKING = "Asking the coordinator …";
/** The overview has room for so many. */
const MOST_SHOWN = 12;

/** The shards that the overview has room for. */
export function FewShards() {
  const all = shards.value;
  const rows = mostNotable(all, MOST_SHOWN);
  return (
    <Panel name="shards" title="Shards" aside={<AddShards />}>
      <Untold />
      <ShardTable rows={rows} empty={ASKING} />
      {rows.length < all.length && (
        <p class="hint">
          {plural(rows.length, "shard")} with a change under way or with most sessions.{" "}
          <a href={hashOf({ page: "shards" })}>All {count(all.length)} shards</a>
        </p>
      )}
    </Panel>
  );
}

/** All shards, with search, filters and order, which are in the address. */
export function Shards() {
  const filter = readFilter(route.value.query);
  const all = shards.value;
  const rows = listShards(all, filter);
  const regions = [...new Set(all.map(({ region }) => region))].toSorted();
  const onSort = (sort: Sort): void => {
    const reversed = filter.order === "up" ? "down" : "up";
    setQuery({ sort, order: sort === filter.sort ? reversed : firstOrder(sort) });
  };
  return (
    <Panel name="shards" title="Shards" aside={<AddShards />}>
      <Untold />
      <search class="fields">
        <Field label="Find a shard">
          <input
            type="search"
            value={filter.find}
            placeholder="auto-1"
            spellcheck={false}
            onInput={(event) => setQuery({ find: event.currentTarget.value })}
          />
        </Field>
        <Choice name="state" label="State" chosen={filter.state} values={STATES} />
        <Choice name="region" label="Region" chosen={filter.region} values={regions} />
        <p class="hint listed" role="status">
          {rows.length === all.length
            ? plural(all.length, "shard")
            : `${count(rows.length)} of ${plural(all.length, "shard")}`}
        </p>
      </search>
      <ShardTable
        rows={rows}
        empty={all.length === 0 ? ASKING : "No shard is like this."}
        scrolls
        sorted={{ by: filter.sort, order: filter.order, onSort }}
      />
    </Panel>
  );
}

const Choice = (props: {
  readonly name: string;
  readonly label: string;
  readonly chosen: string;
  readonly values: readonly string[];
}) => (
  <Field label={props.label} class="narrow">
    <select value={props.chosen} onChange={(event) => setQuery({ [props.name]: event.currentTarget.value })}>
      <option value="">all</option>
      {props.values.map((value) => (
        <option key={value}>{value}</option>
      ))}
    </select>
  </Field>
);

const AddShards = () => (
  <button type="button" class="primary small" {...readOnly()} onClick={() => openDrawer({ kind: "add" })}>
    Add shards …
  </button>
);

function Untold() {
  const untold = cluster.value?.untold ?? [];
  if (untold.length === 0) return null;
  return (
    <p class="notice warn">
      Shards without the present epoch yet: {untold.join(", ")}. The coordinator keeps trying.
    </p>
  );
}
