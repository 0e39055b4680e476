import { useRef } from "preact/hooks";
import { colorOf } from "../data/colors.ts";
import { hoveredShard } from "../data/selection.ts";
import { selectedKey, simClients, type SimClient } from "../data/sim-clients.ts";
import { milliseconds, plural } from "../model/format.ts";
import type { SimClientView } from "../model/sim-client-view.ts";

/** A cell for each simulated client. The grid is one tab stop; the arrow keys go from cell to cell. */
export function ClientGrid() {
  const grid = useRef<HTMLDivElement>(null);
  const clients = simClients.value;
  const tabStop = selectedKey.value ?? clients[0]?.view.peek().key;
  const onKeyDown = (event: KeyboardEvent): void => {
    const cells = [...(grid.current?.children ?? [])].filter((cell) => cell instanceof HTMLElement);
    const focused = cells.findIndex((cell) => cell === document.activeElement);
    const columns = Math.max(
      1,
      cells.findIndex((cell) => cell.offsetTop > (cells[0]?.offsetTop ?? 0)),
    );
    const steps = new Map([
      ["ArrowRight", 1],
      ["ArrowLeft", -1],
      ["ArrowDown", columns],
      ["ArrowUp", -columns],
    ]);
    const step = steps.get(event.key);
    const next = step === undefined ? undefined : cells[focused + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <div ref={grid} class="client-grid" role="group" aria-label="Simulated clients" onKeyDown={onKeyDown}>
      {clients.map((client) => (
        <Cell key={client.view.peek().key} client={client} tabStop={tabStop} />
      ))}
    </div>
  );
}

function Cell({ client, tabStop }: { readonly client: SimClient; readonly tabStop: string | undefined }) {
  const { key, shard, state, moves } = client.view.value;
  const color = colorOf.value(shard);
  const hovered = hoveredShard.value;
  const selected = selectedKey.value === key;
  return (
    <button
      type="button"
      class={`cell ${state} ${hovered === undefined || hovered === shard ? "" : "faded"} ${moves > 0 ? "has-moved" : ""}`}
      style={{ "--shard": color }}
      tabIndex={key === tabStop ? 0 : -1}
      aria-pressed={selected}
      aria-label={`${key}, ${state}, ${shard ?? "no shard"}, ${plural(moves, "move")}`}
      title={tooltip(client.view.value)}
      onClick={() => (selectedKey.value = selected ? undefined : key)}
    />
  );
}

const tooltip = ({ key, state, shard, moves, lastOutageMs }: SimClientView): string =>
  [
    key,
    state,
    shard ?? "",
    moves > 0 ? plural(moves, "move") : "",
    lastOutageMs === undefined ? "" : `last outage ${milliseconds(lastOutageMs)}`,
  ]
    .filter((part) => part !== "")
    .join(" · ");
