import type { ChangeView } from "../data/api.ts";
import { closeDrawer, dryRun } from "../data/change.ts";
import { feed } from "../data/store.ts";
import { movedOf } from "../model/feed.ts";
import { count, percent } from "../model/format.ts";
import { ShardName } from "./parts.tsx";

/** The longest table of moves that the drawer shows. */
const SHOWN_MOVES = 12;

/** The result of the dry run: the sessions and the slots that would move. */
export function Plan() {
  const answer = dryRun.value;
  if (answer.state === "running")
    return <p class="hint plan">Asking every shard how many sessions would move …</p>;
  if (answer.state === "refused")
    return (
      <p class="notice bad" role="alert">
        The cluster refuses this change: {answer.message}.
      </p>
    );
  const { result } = answer;
  if (result.wouldChange !== true)
    return <p class="notice">The ring is like this already. The change has no effect.</p>;
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
          Shards that did not answer: {result.predicted.unknown.join(", ")}. The number above does not include
          their sessions.
        </p>
      )}
      <MoveTable result={result} />
    </section>
  );
}

function MoveTable({ result }: { readonly result: ChangeView }) {
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
          .slice(0, SHOWN_MOVES)
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
      {moves.length > SHOWN_MOVES && <caption>and {moves.length - SHOWN_MOVES} smaller moves</caption>}
    </table>
  );
}

/** The progress of a confirmed change. Each shard reports how many sessions it has moved, once it has moved all. */
export function Progress({ result }: { readonly result: ChangeView }) {
  const epoch = feed.value.epochs.find(({ ringEpoch }) => ringEpoch === result.ringEpoch);
  const moved = epoch === undefined ? 0 : movedOf(epoch);
  const expected = result.predicted.moving;
  return (
    <>
      <section class="plan" data-testid="progress" aria-live="polite">
        <p>
          Epoch <b>{result.ringEpoch}</b> is in force: {result.cause}.
        </p>
        <progress
          max={Math.max(1, expected)}
          value={expected === 0 ? 1 : moved}
          aria-label="Sessions moved"
        />
        <p>
          <b>{count(moved)}</b> of {count(expected)} predicted sessions have moved
          {moved >= expected ? "; that is all." : " …"}
        </p>
        {result.told.pending.length > 0 && (
          <p class="notice warn">
            Shards without this epoch yet: {result.told.pending.join(", ")}. The coordinator keeps trying.
          </p>
        )}
      </section>
      <footer>
        <button type="button" class="primary" onClick={closeDrawer}>
          Done
        </button>
      </footer>
    </>
  );
}
