import { codeTotals, countedSince } from "../data/health.ts";
import { tick } from "../data/pulses.ts";
import type { CodeKind } from "../../contracts/live.ts";
import { codeRows } from "../model/code-counts.ts";
import { age, count } from "../model/format.ts";
import { Panel } from "./parts.tsx";
import { WaitingEvents } from "./waiting-events.tsx";

/** What went wrong while this page was open, by code, and what waits for the application. */
export function Health() {
  // The age grows with the clock.
  void tick.value;
  const since = countedSince.value;
  return (
    <>
      <Panel
        name="codes"
        title="Closes, errors and refusals"
        aside={
          <span class="hint">
            {since === 0 ? "waiting for pulses" : `in the last ${age(Date.now() - since)}`}
          </span>
        }
      >
        <div class="code-lists">
          <Codes kind="close" title="Closed sessions" />
          <Codes kind="error" title="Errors to clients" />
          <Codes kind="refusal" title="Refused requests" />
        </div>
        <p class="hint">
          Shards count while somebody watches. Routers tell what they refuse themselves along with other
          connections, or within a minute; where an isolate gets no other, its refusals are in its logs alone.
        </p>
      </Panel>
      <WaitingEvents />
    </>
  );
}

function Codes({ kind, title }: { readonly kind: CodeKind; readonly title: string }) {
  const rows = codeRows(kind, codeTotals.value);
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <ul class="codes" tabIndex={0} aria-label={title}>
        {rows.map(({ code, meaning, count: times }) => (
          <li key={code} data-code={code}>
            <b class="mono">{code}</b>
            <span class="text">{meaning}</span>
            <span class="times">{count(times)}</span>
          </li>
        ))}
        {rows.length === 0 && <li class="empty">None.</li>}
      </ul>
    </section>
  );
}
