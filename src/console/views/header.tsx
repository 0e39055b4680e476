import { signOut } from "../data/account.ts";
import { access, feed, feedAge, isStale, link, present, shards } from "../data/store.ts";
import { theme, toggleTheme } from "../data/theme.ts";
import { age, count, milliseconds, rate } from "../model/format.ts";
import { READ_ONLY, Stat } from "./parts.tsx";

export function Header() {
  const { deliveries, p99Ms } = present.value;
  const sessions = shards.value.reduce((sum, shard) => sum + (shard.sessions ?? 0), 0);
  const members = shards.value.filter(({ state }) => state !== "leaving").length;
  return (
    <header class="top">
      <h1>
        <img src="./favicon.svg" alt="" width="22" height="22" /> Ringcast
      </h1>
      <dl class={`stats ${isStale.value ? "dim" : ""}`} data-testid="summary">
        <Stat label="Epoch" value={feed.value.descriptor?.epoch ?? "–"} />
        <Stat label="Shards" value={count(members)} />
        <Stat label="Sessions" value={count(sessions)} />
        <Stat label="Deliveries / s" value={deliveries === null ? "–" : rate(deliveries)} />
        <Stat label="Delivery p99" value={p99Ms === null ? "–" : milliseconds(p99Ms)} />
      </dl>
      <FeedState />
      {access.value === "read" && (
        <span class="badge" title={READ_ONLY}>
          read only
        </span>
      )}
      <div class="top-actions">
        <button type="button" class="quiet" onClick={toggleTheme} aria-label={`Use the ${other()} theme`}>
          {theme.value === "dark" ? "Light" : "Dark"}
        </button>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}

const other = (): string => (theme.value === "dark" ? "light" : "dark");

/** Says how old what the page shows is, and never more than it knows. */
function FeedState() {
  const ms = feedAge.value;
  const { state, shard } = link.value;
  const tone = !isStale.value ? "good" : state === "closed" ? "bad" : "warn";
  const text =
    ms === undefined
      ? "waiting for the first pulse"
      : !isStale.value
        ? "live"
        : state === "connected"
          ? `no pulse for ${age(ms)}`
          : state === "closed"
            ? `cut off, ${age(ms)} old`
            : `reconnecting, ${age(ms)} old`;
  return (
    <p
      class={`feed-state ${tone}`}
      title={shard === undefined ? "This page has no connection" : `This page is connected to ${shard}`}
    >
      <span class="dot" aria-hidden="true" />
      <span role="status">{text}</span>
      {shard !== undefined && <span class="via"> via {shard}</span>}
    </p>
  );
}
