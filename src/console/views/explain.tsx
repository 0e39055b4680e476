import type { OwnerReport } from "../../contracts/membership.ts";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { admin } from "../data/api.ts";
import { feed, ring, shownRegion } from "../data/store.ts";
import { count } from "../model/format.ts";
import { Field, ShardName } from "./parts.tsx";

/** Where a key falls, who owns it, and why. */
export function Explain(props: { readonly typed: string; readonly onType: (text: string) => void }) {
  const { typed } = props;
  const explained = useSignal<OwnerReport | undefined>(undefined);
  const epoch = feed.value.descriptor?.epoch;
  const from = shownRegion.value === "" ? "auto" : shownRegion.value;
  useEffect(() => {
    if (typed === "") {
      explained.value = undefined;
      return undefined;
    }
    // The page knows the answer already; the cluster's own follows when the typing rests.
    const timer = setTimeout(() => {
      const query = new URLSearchParams({ key: typed, region: from });
      admin<OwnerReport>("GET", `/explain?${query}`).then(
        (answer) => (explained.value = answer),
        () => (explained.value = undefined),
      );
    }, 200);
    return () => clearTimeout(timer);
  }, [typed, epoch, from]);
  const local = typed === "" ? undefined : ring.value?.explain(typed, from);
  const told =
    explained.value?.key === typed && explained.value.ringEpoch === epoch ? explained.value : undefined;
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
          <p class="hint">Type a key to see its slot, its owner and why.</p>
        ) : (
          <>
            <p>
              <b>slot {count(local.slot)}</b> → <ShardName shard={local.owner} />
              {told !== undefined && <span class="hint"> the cluster says the same</span>}
            </p>
            <p class="hint">
              hash 0x{local.hash.toString(16).padStart(8, "0")} · decided by point {local.point?.index ?? "–"}{" "}
              of {local.owner} · next {local.nextOwners.join(", ") || "nobody"}
              {told?.previousOwner !== undefined &&
                told.previousOwner !== null &&
                told.previousOwner !== local.owner &&
                ` · before: ${told.previousOwner}`}
            </p>
          </>
        )}
      </div>
    </div>
  );
}
