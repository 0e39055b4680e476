import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { callServerApi, messageOf, type SendOutcome } from "../data/api.ts";
import { parseData } from "../model/channel-events.ts";
import { plural } from "../model/format.ts";
import { MessageResult, type MessageOutcome } from "./message-result.tsx";
import { Field, Panel, readOnly } from "./parts.tsx";

type MessageKind = "publish" | "send" | "broadcast";

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

const BROADCAST_CHANNEL = "ringcast:broadcast";
/** The choices for repeating a message, per second. */
const REPEAT_RATES = [0, 1, 5, 20] as const;

export function Messages() {
  const kind = useSignal<MessageKind>("publish");
  const channel = useSignal("lobby");
  const user = useSignal("sim-1");
  const mode = useSignal("auto");
  const text = useSignal("hello");
  const repeatRate = useSignal(0);
  const repeated = useSignal(0);
  const outcome = useSignal<MessageOutcome>({ state: "none" });

  const send = (): Promise<MessageOutcome> => {
    // The simulated clients of this page measure the arrival time by `sentAt`.
    const data = { text: parseData(text.value), sentAt: Date.now() };
    switch (kind.value) {
      case "publish":
        return publish(channel.value, data);
      case "send":
        return sendToSessions("send", { user: user.value, data, mode: mode.value });
      case "broadcast":
        return sendToSessions("publish", { channel: BROADCAST_CHANNEL, data, report: true });
    }
  };
  const sendAndShow = async (): Promise<void> => {
    try {
      outcome.value = await send();
      repeated.value += 1;
    } catch (error) {
      outcome.value = { state: "failed", message: messageOf(error) };
      repeatRate.value = 0;
    }
  };
  useRepeat(repeatRate.value, () => void sendAndShow());
  const repeating = repeatRate.value > 0;
  return (
    <Panel name="messages" title="Messages">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          outcome.value = { state: "sending" };
          void sendAndShow();
        }}
      >
        <KindChoice
          chosen={kind.value}
          onChoose={(one) => {
            kind.value = one;
            repeatRate.value = 0;
            outcome.value = { state: "none" };
          }}
        />
        <p class="hint">{KINDS[kind.value].hint}</p>
        <div class="fields">
          {kind.value === "publish" && (
            <Field label="Channel">
              <TextInput value={channel} />
            </Field>
          )}
          {kind.value === "send" && (
            <>
              <Field label="User">
                <TextInput value={user} />
              </Field>
              <Field label="Mode" class="narrow">
                <select value={mode.value} onChange={(event) => (mode.value = event.currentTarget.value)}>
                  <option>auto</option>
                  <option>ring</option>
                  <option>fanout</option>
                </select>
              </Field>
            </>
          )}
          <Field label="Data, JSON or text" class="wide">
            <TextInput value={text} />
          </Field>
        </div>
        <div class="buttons">
          <button type="submit" class="primary" {...readOnly()} {...(repeating ? { disabled: true } : {})}>
            {KINDS[kind.value].verb}
          </button>
          {kind.value !== "send" && (
            <Field label="Repeat" class="inline">
              <select
                value={String(repeatRate.value)}
                disabled={readOnly().disabled}
                onChange={(event) => {
                  repeated.value = 0;
                  repeatRate.value = Number(event.currentTarget.value);
                }}
              >
                {REPEAT_RATES.map((one) => (
                  <option key={one} value={String(one)}>
                    {one === 0 ? "no" : `${one} a second`}
                  </option>
                ))}
              </select>
            </Field>
          )}
          {repeating && <span class="hint">{plural(repeated.value, "message")} sent</span>}
        </div>
      </form>
      <MessageResult outcome={outcome.value} />
    </Panel>
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

async function publish(channel: string, data: unknown): Promise<MessageOutcome> {
  const started = performance.now();
  const { offset = 0, epoch = "" } = await callServerApi<{ offset?: number; epoch?: string }>("publish", {
    channel,
    data,
  });
  return { state: "published", offset, logEpoch: epoch, ms: performance.now() - started };
}

async function sendToSessions(method: "send" | "publish", body: unknown): Promise<MessageOutcome> {
  return { state: "sent", outcome: await callServerApi<SendOutcome>(method, body) };
}

/** Calls `send` at a rate per second; 0 stops. Each call starts on time, also while an earlier call is running. */
function useRepeat(rate: number, send: () => void): void {
  useEffect(() => {
    if (rate === 0) return undefined;
    const timer = setInterval(send, 1_000 / rate);
    return () => clearInterval(timer);
  }, [rate]);
}
