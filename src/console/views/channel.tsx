import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
  channelEvents,
  channelProblem,
  loadHistory,
  loadPresence,
  nameOf,
  presence,
  subscriptionState,
  unwatchChannel,
  watchChannel,
  watchedChannel,
} from "../data/channel.ts";
import { goTo, route } from "../data/route.ts";
import type { ChannelEvent } from "../model/channel-events.ts";
import { count, plural } from "../model/format.ts";
import { Field, Panel } from "./parts.tsx";

const SHOWN_CLIENTS = 12;
const SHOWN_EVENTS = 60;

/** The channel that the address names. */
export function Channel() {
  const { item } = route.value;
  useEffect(() => {
    if (item !== "") watchChannel(item);
    return unwatchChannel;
  }, [item]);
  const channel = watchedChannel.value;
  return (
    <Panel
      name="channel"
      title="Channel"
      aside={channel !== undefined && <span class="hint">{`${channel}: ${subscriptionState.value}`}</span>}
    >
      <ChannelForm key={item} channel={channel} />
      {channelProblem.value !== undefined && (
        <p class="notice warn" role="alert">
          {channelProblem.value}
        </p>
      )}
      {channel === undefined ? (
        <p class="empty">
          Watch a channel to see its publications with their offsets, and the clients that join and leave.
        </p>
      ) : (
        <>
          <Presence />
          <ol
            class="channel-events"
            data-testid="channel-events"
            tabIndex={0}
            aria-label={`Events in ${channel}`}
          >
            {channelEvents.value.slice(0, SHOWN_EVENTS).map((event) => (
              <EventLine key={keyOf(event)} event={event} />
            ))}
            {channelEvents.value.length === 0 && <li class="empty">No events yet.</li>}
          </ol>
        </>
      )}
    </Panel>
  );
}

function ChannelForm({ channel }: { readonly channel: string | undefined }) {
  const typed = useSignal(route.value.item === "" ? "lobby" : route.value.item);
  const watched = channel !== undefined && channel === typed.value;
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        goTo({ page: "channels", item: watched ? "" : typed.value });
      }}
    >
      <Field label="Channel to watch">
        <input
          type="text"
          required
          maxLength={255}
          spellcheck={false}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
      </Field>
      <button type="submit" class="primary">
        {watched ? "Stop" : "Watch"}
      </button>
      {channel !== undefined && (
        <>
          <button type="button" onClick={() => void loadHistory(channel)}>
            History
          </button>
          <button type="button" onClick={() => void loadPresence(channel)}>
            Presence
          </button>
        </>
      )}
    </form>
  );
}

function Presence() {
  const clients = presence.value;
  if (clients.length === 0) return null;
  return (
    <p class="present" data-testid="presence">
      <b>{plural(clients.length, "client")} present:</b>{" "}
      {clients.slice(0, SHOWN_CLIENTS).map(nameOf).join(", ")}
      {clients.length > SHOWN_CLIENTS && ` and ${count(clients.length - SHOWN_CLIENTS)} more`}
    </p>
  );
}

const keyOf = (event: ChannelEvent): string =>
  event.kind === "publication"
    ? `p${event.offset ?? ""}${event.at ?? ""}`
    : `${event.kind}${event.name}${event.at}`;

function EventLine({ event }: { readonly event: ChannelEvent }) {
  if (event.kind !== "publication") {
    return (
      <li class={event.kind}>
        <span class="offset">{event.kind}</span>
        <span>{event.name}</span>
      </li>
    );
  }
  return (
    <li>
      <span class="offset">{event.offset === undefined ? "·" : count(event.offset)}</span>
      <span class="data mono">{event.data}</span>
      {event.from !== "" && <span class="hint">{event.from}</span>}
    </li>
  );
}
