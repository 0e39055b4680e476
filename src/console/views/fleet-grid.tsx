import { useRef } from "preact/hooks";
import { selected, sims, type Sim } from "../data/fleet.ts";
import { colorOf, hovered } from "../data/store.ts";
import { milliseconds, plural } from "../model/format.ts";
import type { SimClient } from "../model/sim-client.ts";

/** One tab stop; the arrows go from client to client. */
export function FleetGrid() {
  const grid = useRef<HTMLDivElement>(null);
  const all = sims.value;
  const first = selected.value ?? all[0]?.view.peek().key;
  const onKeyDown = (event: KeyboardEvent): void => {
    const cells = [...(grid.current?.children ?? [])].filter((cell) => cell instanceof HTMLElement);
    const at = cells.findIndex((cell) => cell === document.activeElement);
    const across = Math.max(
      1,
      cells.findIndex((cell) => cell.offsetTop > (cells[0]?.offsetTop ?? 0)),
    );
    const steps = new Map([
      ["ArrowRight", 1],
      ["ArrowLeft", -1],
      ["ArrowDown", across],
      ["ArrowUp", -across],
    ]);
    const step = steps.get(event.key);
    const next = step === undefined ? undefined : cells[at + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <div ref={grid} class="fleet" role="group" aria-label="Simulated clients" onKeyDown={onKeyDown}>
      {all.map((sim) => (
        <Cell key={sim.view.peek().key} sim={sim} first={first} />
      ))}
    </div>
  );
}

function Cell({ sim, first }: { readonly sim: Sim; readonly first: string | undefined }) {
  const { key, shard, state, moves } = sim.view.value;
  const color = colorOf.value(shard);
  const focus = hovered.value;
  const chosen = selected.value === key;
  return (
    <button
      type="button"
      class={`cell ${state} ${focus === undefined || focus === shard ? "" : "faded"} ${moves > 0 ? "has-moved" : ""}`}
      style={{ "--shard": color }}
      tabIndex={key === first ? 0 : -1}
      aria-pressed={chosen}
      aria-label={`${key}, ${state}, ${shard ?? "no shard"}, ${plural(moves, "move")}`}
      title={describe(sim.view.value)}
      onClick={() => (selected.value = chosen ? undefined : key)}
    />
  );
}

const describe = ({ key, state, shard, moves, lastOutageMs }: SimClient): string =>
  [
    key,
    state,
    shard ?? "",
    moves > 0 ? plural(moves, "move") : "",
    lastOutageMs === undefined ? "" : `away for ${milliseconds(lastOutageMs)}`,
  ]
    .filter((part) => part !== "")
    .join(" · ");
