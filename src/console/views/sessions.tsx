import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { tick } from "../data/pulses.ts";
import { goTo, route } from "../data/route.ts";
import {
  forgetSessions,
  lookForSessions,
  sessionsLook,
  sessionsProblem,
  tellStory,
} from "../data/sessions.ts";
import { clusterTime } from "../data/store.ts";
import { age, count, plural } from "../model/format.ts";
import { hashOf } from "../model/route.ts";
import { placeText, type Handover, type SessionSummary } from "../model/session-story.ts";
import { Field, Panel, ShardName } from "./parts.tsx";

const SHOWN_SESSIONS = 20;
const SHOWN_CHANNELS = 50;

/** The sessions of the user, or the one session, that the address names. */
export function Sessions() {
  const { item } = route.value;
  useEffect(() => {
    if (item !== "") void lookForSessions(item);
    return forgetSessions;
  }, [item]);
  return (
    <Panel name="sessions" title="Sessions">
      <Search key={item} of={item} />
      {sessionsProblem.value !== undefined && (
        <p class="notice bad" role="alert">
          The shards were not asked: {sessionsProblem.value}.
        </p>
      )}
      <div aria-live="polite">
        <Found of={item} />
      </div>
    </Panel>
  );
}

function Search({ of }: { readonly of: string }) {
  const typed = useSignal(of);
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        // The same address again is a new look.
        if (typed.value === of) void lookForSessions(of);
        else goTo({ page: "sessions", item: typed.value });
      }}
    >
      <Field label="User, or id of a session">
        <input
          type="text"
          required
          maxLength={255}
          spellcheck={false}
          value={typed.value}
          placeholder="ann"
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
      </Field>
      <button type="submit" class="primary">
        Look
      </button>
    </form>
  );
}

function Found({ of }: { readonly of: string }) {
  // The ages grow with the clock.
  void tick.value;
  const look = sessionsLook.value;
  if (of === "")
    return (
      <p class="empty">
        Find a user or a session to see where it is, why it is there, and what it hears. A look asks every
        shard once, and wakes it.
      </p>
    );
  if (look === undefined)
    return sessionsProblem.value === undefined ? <p class="empty">Asking every shard …</p> : null;
  const { sessions, truncated, unreachable, at } = look;
  return (
    <>
      <p>
        <b>{look.of}</b>:{" "}
        {sessions.length === 0 ? "no session is connected" : plural(sessions.length, "session")}
        {truncated && ", and more"}; {age(Date.now() - at)} ago
        {sessions.length > SHOWN_SESSIONS && `. The first ${SHOWN_SESSIONS} are below`}.
      </p>
      {unreachable.length > 0 && (
        <p class="notice warn">Shards that have not answered: {unreachable.join(", ")}.</p>
      )}
      <ul class="session-list">
        {sessions.slice(0, SHOWN_SESSIONS).map((session) => (
          <Story key={session.client} session={session} />
        ))}
      </ul>
    </>
  );
}

function Story({ session }: { readonly session: SessionSummary }) {
  const { client, user, key, shard, connectedAt, channels } = session;
  const story = tellStory(session);
  return (
    <li data-session={client}>
      <p>
        <b>{user === "" ? "anonymous" : user}</b> on <ShardName shard={shard} /> for{" "}
        {age(clusterTime() - connectedAt)} <span class="hint mono">{client}</span>
      </p>
      {story !== undefined && (
        <p>
          {placeText(session, story)}{" "}
          <a href={hashOf({ page: "overview", query: { key } })}>
            Explain the key <span class="mono">{key}</span>
          </a>
        </p>
      )}
      {story?.handovers.map((handover) => (
        <HandoverLine key={handover.ringEpoch} handover={handover} />
      ))}
      <p class="hears">
        {channels.length === 0 ? "It hears no channel." : `It hears ${plural(channels.length, "channel")}: `}
        {channels.slice(0, SHOWN_CHANNELS).map((channel, n) => (
          <span key={channel}>
            {n > 0 && ", "}
            <a class="mono" href={hashOf({ page: "channels", item: channel })}>
              {channel}
            </a>
          </span>
        ))}
        {channels.length > SHOWN_CHANNELS && ` and ${count(channels.length - SHOWN_CHANNELS)} more`}
      </p>
    </li>
  );
}

const HandoverLine = ({ handover }: { readonly handover: Handover }) => (
  <p class={`handover ${handover.broughtHere ? "here" : ""}`}>
    <ShardName shard={handover.from} /> → <ShardName shard={handover.to} />{" "}
    <span class="text">
      {handover.broughtHere && <b>It came here by this: </b>}
      epoch {handover.ringEpoch}, {handover.cause}
      <span class="hint"> by {handover.by}</span>
    </span>
    <time dateTime={new Date(handover.at).toISOString()}>{age(clusterTime() - handover.at)} ago</time>
  </p>
);
