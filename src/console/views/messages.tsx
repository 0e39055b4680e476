import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { server, type SendOutcome, type ShardOutcome } from "../data/api.ts";
import { messageOf } from "../data/change.ts";
import { readData } from "../model/channel-view.ts";
import { count, milliseconds, plural } from "../model/format.ts";
import { Field, Panel, readOnly, ShardName } from "./parts.tsx";

type Way = "publish" | "send" | "broadcast";

const WAYS: Record<Way, { readonly verb: string; readonly about: string }> = {
  publish: { verb: "Publish", about: "To whoever listens to a channel, through its log." },
  send: {
    verb: "Send",
    about: "To every session of one user. Ring asks the key's owner; fan-out asks every shard.",
  },
  broadcast: {
    verb: "Broadcast",
    about: "To every session of the cluster, through the broadcast channel's log.",
  },
};

type Outcome =
  | { readonly state: "none" | "going" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "published"; readonly offset: number; readonly epoch: string; readonly ms: number }
  | { readonly state: "sent"; readonly outcome: SendOutcome };

const BROADCAST_CHANNEL = "ringcast:broadcast";
/** How often a message may be repeated, a second. */
const PACES = [0, 1, 5, 20] as const;

export function Messages() {
  const way = useSignal<Way>("publish");
  const channel = useSignal("lobby");
  const user = useSignal("sim-1");
  const mode = useSignal("auto");
  const text = useSignal("hello");
  const pace = useSignal(0);
  const outcome = useSignal<Outcome>({ state: "none" });
  const repeated = useSignal(0);

  const send = (): Promise<Outcome> => {
    // The stamp lets the simulated clients of this page say how old a message is when it arrives.
    const data = { text: readData(text.value), sentAt: Date.now() };
    switch (way.value) {
      case "publish":
        return publish(channel.value, data);
      case "send":
        return server<SendOutcome>("send", { user: user.value, data, mode: mode.value }).then(sent);
      case "broadcast":
        return server<SendOutcome>("publish", { channel: BROADCAST_CHANNEL, data, report: true }).then(sent);
    }
  };
  const run = async (): Promise<void> => {
    try {
      outcome.value = await send();
      repeated.value += 1;
    } catch (error) {
      outcome.value = { state: "failed", message: messageOf(error) };
      pace.value = 0;
    }
  };
  useRepeat(pace, () => void run());
  const running = pace.value > 0;
  return (
    <Panel name="messages" title="Messages">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          outcome.value = { state: "going" };
          void run();
        }}
      >
        <div class="segments" role="radiogroup" aria-label="How">
          {(Object.keys(WAYS) as Way[]).map((one) => (
            <label key={one} class={one === way.value ? "on" : ""}>
              <input
                type="radio"
                name="way"
                checked={one === way.value}
                onChange={() => {
                  way.value = one;
                  pace.value = 0;
                  outcome.value = { state: "none" };
                }}
              />
              {WAYS[one].verb}
            </label>
          ))}
        </div>
        <p class="hint">{WAYS[way.value].about}</p>
        <div class="fields">
          {way.value === "publish" && (
            <Field label="Channel">
              <Text value={channel} />
            </Field>
          )}
          {way.value === "send" && (
            <>
              <Field label="User">
                <Text value={user} />
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
            <Text value={text} />
          </Field>
        </div>
        <div class="buttons">
          <button type="submit" class="primary" {...readOnly()} {...(running ? { disabled: true } : {})}>
            {WAYS[way.value].verb}
          </button>
          {way.value !== "send" && (
            <Field label="Repeat" class="inline">
              <select
                value={String(pace.value)}
                disabled={readOnly().disabled}
                onChange={(event) => {
                  repeated.value = 0;
                  pace.value = Number(event.currentTarget.value);
                }}
              >
                {PACES.map((one) => (
                  <option key={one} value={String(one)}>
                    {one === 0 ? "no" : `${one} a second`}
                  </option>
                ))}
              </select>
            </Field>
          )}
          {running && <span class="hint">{plural(repeated.value, "message")} so far</span>}
        </div>
      </form>
      <Result outcome={outcome.value} />
    </Panel>
  );
}

const Text = ({ value }: { readonly value: Signal<string> }) => (
  <input
    type="text"
    required
    spellcheck={false}
    value={value.value}
    onInput={(event) => (value.value = event.currentTarget.value)}
  />
);

async function publish(channel: string, data: unknown): Promise<Outcome> {
  const started = performance.now();
  const { offset = 0, epoch = "" } = await server<{ offset?: number; epoch?: string }>("publish", {
    channel,
    data,
  });
  return { state: "published", offset, epoch, ms: performance.now() - started };
}

const sent = (outcome: SendOutcome): Outcome => ({ state: "sent", outcome });

/** Runs while a pace is set; a message that is still under way does not hold up the next one. */
function useRepeat(pace: Signal<number>, run: () => void): void {
  const perSecond = pace.value;
  useEffect(() => {
    if (perSecond === 0) return undefined;
    const timer = setInterval(run, 1_000 / perSecond);
    return () => clearInterval(timer);
  }, [perSecond]);
}

function Result({ outcome }: { readonly outcome: Outcome }) {
  return (
    <div class="result" aria-live="polite" data-testid="result">
      {outcome.state === "going" && <p class="hint">Under way …</p>}
      {outcome.state === "failed" && <p class="notice bad">It was not sent: {outcome.message}.</p>}
      {outcome.state === "published" && (
        <p>
          {outcome.offset > 0 ? (
            <>
              Kept at <b>offset {count(outcome.offset)}</b> of log {outcome.epoch}
            </>
          ) : (
            "Published to who is there; this channel keeps no history"
          )}
          , answered in {milliseconds(outcome.ms)}.
        </p>
      )}
      {outcome.state === "sent" && <Sent outcome={outcome.outcome} />}
    </div>
  );
}

function Sent({ outcome }: { readonly outcome: SendOutcome }) {
  const { delivered, calls, ms, offset, mode, offline = [], shards = [] } = outcome;
  if (delivered === undefined)
    return <p>It was sent to whoever is there; nothing is kept of broadcasts here.</p>;
  const cost = [
    calls === undefined ? "" : `with ${plural(calls, "call")} `,
    ms === undefined ? "" : `in ${milliseconds(ms)}`,
    mode === undefined ? "" : `, ${mode === "ring" ? "ring" : "fan-out"} mode`,
    offset === undefined ? "" : `, kept at offset ${count(offset)}`,
  ];
  return (
    <>
      <p>
        Reached <b data-testid="delivered">{count(delivered)}</b> {delivered === 1 ? "session" : "sessions"}{" "}
        {cost.join("")}.{offline.length > 0 && ` Nobody is there as ${offline.join(", ")}.`}
      </p>
      <ul class="by-shard">
        {shards.map((one) => (
          <li key={one.shard} class={one.ok ? "" : "bad"}>
            <ShardName shard={one.shard} /> <span>{describe(one)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function describe({ ok, delivered, ms, pending }: ShardOutcome): string {
  if (pending === true) return "pending; it is delivered when it answers";
  return ok ? `${count(delivered)} in ${milliseconds(ms)}` : "failed";
}
