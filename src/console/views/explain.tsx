import type { OwnerReport } from "../../contracts/coordinator.ts";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { callAdminApi } from "../data/api.ts";
import { shownRegion } from "../data/selection.ts";
import { feed, ring } from "../data/store.ts";
import { count } from "../model/format.ts";
import { Field, ShardName } from "./parts.tsx";

/** The cluster is asked when the operator pauses typing for this long. */
const ASK_DELAY_MS = 200;

/** Explains a key: its slot, its owner, and the point that decides. */
export function Explain(props: { readonly typed: string; readonly onType: (text: string) => void }) {
  const { typed } = props;
  const answer = useSignal<OwnerReport | undefined>(undefined);
  const epoch = feed.value.descriptor?.epoch;
  const from = shownRegion.value === "" ? "auto" : shownRegion.value;
  useEffect(() => {
    if (typed === "") {
      answer.value = undefined;
      return undefined;
    }
    // The page computes the answer itself. The cluster's answer confirms it, and adds the previous owner.
    const timer = setTimeout(() => {
      const query = new URLSearchParams({ key: typed, region: from });
      callAdminApi<OwnerReport>("GET", `/explain?${query}`).then(
        (report) => (answer.value = report),
        () => (answer.value = undefined),
      );
    }, ASK_DELAY_MS);
    return () => clearTimeout(timer);
  }, [typed, epoch, from]);
  const local = typed === "" ? undefined : ring.value?.explain(typed, from);
  const confirmed =
    answer.value?.key === typed && answer.value.ringEpoch === epoch ? answer.value : undefined;
  return (
    <div class="explain">
      <Field label="Explain a key">
        <input
          type="text"
          value={typed}
          placeholder="ann"
          maxLength={256}
          spellcheck={false}
          onInput={(event) => props.onType(event.currentTarget.value)}
        />
      </Field>
      <div class="explain-answer" aria-live="polite" data-testid="explained">
        {local === undefined ? (
          <p class="hint">Type a key to see its slot, its owner and the reason.</p>
        ) : (
          <>
            <p>
              <b>slot {count(local.slot)}</b> → <ShardName shard={local.owner} />
              {confirmed !== undefined && <span class="hint"> the cluster says the same</span>}
            </p>
            <p class="hint">
              hash 0x{local.hash.toString(16).padStart(8, "0")} · decided by point {local.point?.index ?? "–"}{" "}
              of {local.owner} · next owners {local.nextOwners.join(", ") || "none"}
              {confirmed?.previousOwner !== undefined &&
                confirmed.previousOwner !== null &&
                confirmed.previousOwner !== local.owner &&
                ` · previous owner ${confirmed.previousOwner}`}
            </p>
          </>
        )}
      </div>
    </div>
  );
}
