import type { SendOutcome, ShardOutcome } from "../data/api.ts";
import type { MessageOutcome } from "../data/messages.ts";
import { connection } from "../data/store.ts";
import { count, milliseconds, plural } from "../model/format.ts";
import { ShardName } from "./parts.tsx";

export function MessageResult({ outcome }: { readonly outcome: MessageOutcome }) {
  return (
    <div class="result" aria-live="polite" data-testid="result">
      {outcome.state === "sending" && <p class="hint">Sending …</p>}
      {outcome.state === "failed" && <p class="notice bad">The message was not sent: {outcome.message}.</p>}
      {outcome.state === "published" && (
        <p>
          {outcome.offset > 0 ? (
            <>
              Stored at <b>offset {count(outcome.offset)}</b> of log {outcome.logEpoch}
            </>
          ) : (
            "Published to the present subscribers; this channel keeps no history"
          )}
          , in {milliseconds(outcome.ms)}.
        </p>
      )}
      {outcome.state === "sent" && <SentResult outcome={outcome.outcome} />}
    </div>
  );
}

function SentResult({ outcome }: { readonly outcome: SendOutcome }) {
  const { delivered, calls, ms, offset, mode, offline = [], shards = [] } = outcome;
  if (delivered === undefined)
    return <p>Broadcast to the present sessions; the broadcast channel keeps no history.</p>;
  // A broadcast goes to every session, and this page has one. Only a broadcast is stored.
  const toAll = offset !== undefined && connection.value.state === "connected";
  const details = [
    calls === undefined ? "" : `with ${plural(calls, "call")} `,
    ms === undefined ? "" : `in ${milliseconds(ms)}`,
    mode === undefined ? "" : `, ${mode === "ring" ? "ring" : "fan-out"} mode`,
    offset === undefined ? "" : `, stored at offset ${count(offset)}`,
  ];
  return (
    <>
      <p>
        Reached <b data-testid="delivered">{count(delivered)}</b> {delivered === 1 ? "session" : "sessions"}{" "}
        {details.join("")}
        {toAll && ", this page among them"}.
        {offline.length > 0 && ` No session of ${offline.join(", ")} is connected.`}
      </p>
      <ul class="by-shard">
        {shards.map((shard) => (
          <li key={shard.shard} class={shard.ok ? "" : "bad"}>
            <ShardName shard={shard.shard} /> <span>{shardText(shard)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function shardText({ ok, delivered, ms, pending }: ShardOutcome): string {
  if (pending === true) return "not delivered yet; the channel retries";
  return ok ? `${count(delivered)} in ${milliseconds(ms)}` : "failed";
}
