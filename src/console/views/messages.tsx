import type { Signal } from "@preact/signals";
import {
  messageChannel,
  messageData,
  messageKind,
  messageMode,
  messageOutcome,
  messageUser,
  repeat,
  repeatRate,
  REPEAT_RATES,
  sendMessage,
  startRepeat,
  stopRepeat,
  type MessageKind,
} from "../data/messages.ts";
import { plural } from "../model/format.ts";
import { MessageResult } from "./message-result.tsx";
import { Field, Panel, readOnly } from "./parts.tsx";

const KINDS: Record<MessageKind, { readonly verb: string; readonly hint: string }> = {
  publish: { verb: "Publish", hint: "To every subscriber of a channel, through the channel's log." },
  send: {
    verb: "Send",
    hint: "To every session of one user. Ring mode asks the user's shard; fan-out mode asks every shard.",
  },
  broadcast: {
    verb: "Broadcast",
    hint: "To every session of the cluster, through the broadcast channel's log.",
  },
};

export function Messages() {
  const kind = messageKind.value;
  return (
    <Panel name="messages" title="Messages">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void sendMessage();
        }}
      >
        <KindChoice
          chosen={kind}
          onChoose={(one) => {
            messageKind.value = one;
            stopRepeat();
            messageOutcome.value = { state: "none" };
          }}
        />
        <p class="hint">{KINDS[kind].hint}</p>
        <div class="fields">
          {kind === "publish" && (
            <Field label="Channel">
              <TextInput value={messageChannel} />
            </Field>
          )}
          {kind === "send" && (
            <>
              <Field label="User">
                <TextInput value={messageUser} />
              </Field>
              <Field label="Mode" class="narrow">
                <select
                  value={messageMode.value}
                  onChange={(event) => (messageMode.value = event.currentTarget.value)}
                >
                  <option>auto</option>
                  <option>ring</option>
                  <option>fanout</option>
                </select>
              </Field>
            </>
          )}
          <Field label="Data, JSON or text" class="wide">
            <TextInput value={messageData} />
          </Field>
        </div>
        <div class="buttons">
          <button type="submit" class="primary" {...readOnly()}>
            {KINDS[kind].verb}
          </button>
          {kind !== "send" && <RepeatButtons />}
        </div>
      </form>
      <MessageResult outcome={messageOutcome.value} />
    </Panel>
  );
}

function RepeatButtons() {
  const running = repeat.value;
  return (
    <>
      <Field label="Repeat" class="inline">
        <select
          value={String(repeatRate.value)}
          disabled={readOnly().disabled || running !== undefined}
          onChange={(event) => (repeatRate.value = Number(event.currentTarget.value))}
        >
          {REPEAT_RATES.map((one) => (
            <option key={one} value={String(one)}>
              {one} a second
            </option>
          ))}
        </select>
      </Field>
      {running === undefined ? (
        <button type="button" onClick={startRepeat} {...readOnly()}>
          Start
        </button>
      ) : (
        <>
          <button type="button" class="danger" onClick={stopRepeat}>
            Stop
          </button>
          <span class="hint">
            {plural(running.sent, "message")} sent to {running.to}
          </span>
        </>
      )}
    </>
  );
}

function KindChoice(props: { readonly chosen: MessageKind; readonly onChoose: (kind: MessageKind) => void }) {
  return (
    <div class="segments" role="radiogroup" aria-label="Kind of message">
      {(Object.keys(KINDS) as MessageKind[]).map((kind) => (
        <label key={kind} class={kind === props.chosen ? "on" : ""}>
          <input
            type="radio"
            name="kind"
            checked={kind === props.chosen}
            onChange={() => props.onChoose(kind)}
          />
          {KINDS[kind].verb}
        </label>
      ))}
    </div>
  );
}

const TextInput = ({ value }: { readonly value: Signal<string> }) => (
  <input
    type="text"
    required
    spellcheck={false}
    value={value.value}
    onInput={(event) => (value.value = event.currentTarget.value)}
  />
);
