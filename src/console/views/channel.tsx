import { useSignal } from "@preact/signals";
import {
  askHistory,
  askPresence,
  lines,
  look,
  present,
  problem,
  stop,
  watched,
  watchState,
} from "../data/channel.ts";
import { count, plural } from "../model/format.ts";
import type { ChannelLine } from "../model/channel-view.ts";
import { Field, Panel } from "./parts.tsx";

export function Channel() {
  const name = useSignal("lobby");
  const channel = watched.value;
  return (
    <Panel
      name="channel"
      title="Channel"
      aside={channel !== undefined && <span class="hint">{`${channel}: ${watchState.value}`}</span>}
    >
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          if (channel === undefined || channel !== name.value) look(name.value);
          else stop();
        }}
      >
        <Field label="Channel to watch">
          <input
            type="text"
            required
            maxLength={255}
            spellcheck={false}
            value={name.value}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
        </Field>
        <button type="submit" class="primary">
          {channel !== undefined && channel === name.value ? "Stop" : "Watch"}
        </button>
        {channel !== undefined && (
          <>
            <button type="button" onClick={() => void askHistory(channel)}>
              History
            </button>
            <button type="button" onClick={() => void askPresence(channel)}>
              Presence
            </button>
          </>
        )}
      </form>
      {problem.value !== undefined && <p class="notice warn">{problem.value}</p>}
      {channel === undefined ? (
        <p class="empty">Watch a channel to see what is published, with offsets, and who comes and goes.</p>
      ) : (
        <>
          {present.value.length > 0 && (
            <p class="present" data-testid="presence">
              <b>{plural(present.value.length, "client")} present:</b>{" "}
              {present.value
                .slice(0, 12)
                .map(({ user, client }) => (user === "" ? client.slice(0, 8) : user))
                .join(", ")}
              {present.value.length > 12 && ` and ${count(present.value.length - 12)} more`}
            </p>
          )}
          <ol class="lines" data-testid="lines" tabIndex={0} aria-label={`What happens in ${channel}`}>
            {lines.value.slice(0, 60).map((line) => (
              <Line key={keyOf(line)} line={line} />
            ))}
            {lines.value.length === 0 && <li class="empty">Nothing yet.</li>}
          </ol>
        </>
      )}
    </Panel>
  );
}

const keyOf = (line: ChannelLine): string =>
  line.kind === "publication" ? `p${line.offset ?? ""}${line.at ?? ""}` : `${line.kind}${line.who}${line.at}`;

function Line({ line }: { readonly line: ChannelLine }) {
  if (line.kind !== "publication") {
    return (
      <li class={line.kind}>
        <span class="offset">{line.kind}</span>
        <span>{line.who}</span>
      </li>
    );
  }
  return (
    <li>
      <span class="offset">{line.offset === undefined ? "·" : count(line.offset)}</span>
      <span class="data mono">{line.data}</span>
      {line.from !== "" && <span class="hint">{line.from}</span>}
    </li>
  );
}
