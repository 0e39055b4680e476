import { signOut } from "../data/account.ts";
import { currentSample, feedAge, isStale } from "../data/pulses.ts";
import { shards } from "../data/shards.ts";
import { repeat, stopRepeat } from "../data/messages.ts";
import { route } from "../data/route.ts";
import { socketio } from "../data/socketio.ts";
import { access, connection, feed } from "../data/store.ts";
import { theme, toggleTheme } from "../data/theme.ts";
import { age, count, milliseconds, rate } from "../model/format.ts";
import { hashOf, PAGES, type PageName } from "../model/route.ts";
import { READ_ONLY, Stat } from "./parts.tsx";

export function Header() {
  const { deliveries, p99Ms } = currentSample.value;
  const sessions = shards.value.reduce((sum, shard) => sum + (shard.sessions ?? 0), 0);
  const members = shards.value.filter(({ state }) => state !== "leaving").length;
  const [otherTheme, otherLabel] = theme.value === "dark" ? ["light", "Light"] : ["dark", "Dark"];
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
      <Repeating />
      {access.value === "read" && (
        <span class="badge" title={READ_ONLY}>
          read only
        </span>
      )}
      <div class="top-actions">
        <button type="button" class="quiet" onClick={toggleTheme} aria-label={`Use the ${otherTheme} theme`}>
          {otherLabel}
        </button>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </div>
      <Pages />
    </header>
  );
}

function Pages() {
  const present = route.value.page;
  const names = (Object.keys(PAGES) as PageName[]).filter(
    (name) => name !== "socketio" || name === present || socketio.value !== undefined,
  );
  return (
    <nav aria-label="Pages">
      {names.map((name) => (
        <a
          key={name}
          href={hashOf({ page: name })}
          {...(name === present ? { "aria-current": "page" as const } : {})}
        >
          {PAGES[name]}
        </a>
      ))}
    </nav>
  );
}

/** A message that repeats goes on while the operator looks at another page. */
function Repeating() {
  const running = repeat.value;
  if (running === undefined) return null;
  return (
    <p class="repeating">
      {running.perSecond} a second to {running.to}
      <button type="button" class="small danger" onClick={stopRepeat} aria-label="Stop the repeated message">
        Stop
      </button>
    </p>
  );
}

/** Whether the live feed is live, else the age of the page's numbers. */
function FeedState() {
  const { state, shard } = connection.value;
  const tone = !isStale.value ? "good" : state === "closed" ? "bad" : "warn";
  return (
    <p
      class={`feed-state ${tone}`}
      title={shard === undefined ? "This page has no connection" : `This page is connected to ${shard}`}
    >
      <span class="dot" aria-hidden="true" />
      <span role="status">{feedText()}</span>
      {shard !== undefined && <span class="via"> via {shard}</span>}
    </p>
  );
}

function feedText(): string {
  if (feedAge.value === undefined) return "waiting for the first pulse";
  if (!isStale.value) return "live";
  const ageText = age(feedAge.value);
  switch (connection.value.state) {
    case "connected":
      return `no pulse for ${ageText}`;
    case "connecting":
      return `reconnecting, numbers ${ageText} old`;
    case "closed":
      return `disconnected, numbers ${ageText} old`;
  }
}
