import type { ChangeResult } from "../../contracts/membership.ts";
import { close, dryRun } from "../data/change.ts";
import { feed } from "../data/store.ts";
import { movedOf } from "../model/feed.ts";
import { count, percent } from "../model/format.ts";
import { ShardName } from "./parts.tsx";

/** What the dry run says. */
export function Plan() {
  const answer = dryRun.value;
  if (answer.state === "asking") return <p class="hint plan">Asking every shard what would move …</p>;
  if (answer.state === "refused")
    return (
      <p class="notice bad" role="alert">
        The cluster does not permit it: {answer.message}.
      </p>
    );
  const { result } = answer;
  if (!result.changed) return <p class="notice">Everything is so already: this would change nothing.</p>;
  const slots = result.diff?.regions.find(({ region }) => region !== "other");
  return (
    <section class="plan" aria-label="Dry run" data-testid="dry-run">
      <p>
        Epoch {result.ringEpoch - 1} → <b>{result.ringEpoch}</b>:{" "}
        <b data-testid="predicted">{count(result.predicted.moving)}</b>{" "}
        {result.predicted.moving === 1 ? "session" : "sessions"} and{" "}
        {slots === undefined ? "no slots" : `${count(slots.slots)} slots (${percent(slots.share)})`} would
        move.
      </p>
      {result.predicted.unknown.length > 0 && (
        <p class="notice warn">
          {result.predicted.unknown.join(", ")} did not answer, so that their sessions are not counted.
        </p>
      )}
      <MoveTable result={result} />
    </section>
  );
}

function MoveTable({ result }: { readonly result: ChangeResult }) {
  const moves = (result.diff?.moves ?? []).filter(({ region }) => region !== "other");
  if (moves.length === 0) return null;
  return (
    <table class="moves">
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col" class="number">
            Slots
          </th>
        </tr>
      </thead>
      <tbody>
        {moves
          .toSorted((a, b) => b.slots - a.slots)
          .slice(0, 12)
          .map(({ region, from, to, slots }) => (
            <tr key={`${region} ${from} ${to}`}>
              <td>
                <ShardName shard={from} />
              </td>
              <td>
                <ShardName shard={to} />
              </td>
              <td class="number">{count(slots)}</td>
            </tr>
          ))}
      </tbody>
      {moves.length > 12 && <caption>and {moves.length - 12} smaller ones</caption>}
    </table>
  );
}

/** The change is made; the shards tell, each when it is through, whom they have moved. */
export function Progress({ result }: { readonly result: ChangeResult }) {
  const epoch = feed.value.epochs.find(({ ringEpoch }) => ringEpoch === result.ringEpoch);
  const moved = epoch === undefined ? 0 : movedOf(epoch);
  const expected = result.predicted.moving;
  const through = moved >= expected;
  return (
    <>
      <section class="plan" data-testid="progress" aria-live="polite">
        <p>
          Epoch <b>{result.ringEpoch}</b> holds: {result.cause}.
        </p>
        <progress
          max={Math.max(1, expected)}
          value={expected === 0 ? 1 : moved}
          aria-label="Sessions moved"
        />
        <p>
          <b>{count(moved)}</b> of {count(expected)} predicted sessions have moved
          {through ? "; that is all." : " …"}
        </p>
        {result.told.pending.length > 0 && (
          <p class="notice warn">
            Not told yet: {result.told.pending.join(", ")}. The coordinator goes on trying.
          </p>
        )}
      </section>
      <footer>
        <button type="button" class="primary" onClick={close}>
          Done
        </button>
      </footer>
    </>
  );
}
