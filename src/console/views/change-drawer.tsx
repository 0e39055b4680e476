import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Region } from "../../config.ts";
import { MAX_WEIGHT } from "../../ring/descriptor.ts";
import type { ChangeRequest } from "../data/api.ts";
import { askDryRun, carrying, close, confirm, crash, dryRun, subject, type Subject } from "../data/change.ts";
import { development, feed, shards } from "../data/store.ts";
import { plural } from "../model/format.ts";
import { Plan, Progress } from "./change-plan.tsx";
import { Field } from "./parts.tsx";

/** Where `add` can put a shard: Durable Object location hints. */
const REGIONS = [
  "auto",
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const satisfies readonly Region[];

/** A change of the ring: what it would do, then, confirmed, what it does. Beside the page, so that the ring shows both. */
export function ChangeDrawer() {
  const dialog = useRef<HTMLDialogElement>(null);
  const what = subject.value;
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (what !== undefined && !element.open) element.showModal();
    if (what === undefined && element.open) element.close();
  }, [what]);
  return (
    <dialog ref={dialog} class="drawer" aria-labelledby="drawer-title" onClose={close}>
      {what !== undefined && <Body key={JSON.stringify(what)} what={what} />}
    </dialog>
  );
}

type Act = "add" | "rollback" | "drain" | "weight" | "remove" | "crash";

const VERBS: Record<Act, string> = {
  add: "Add",
  rollback: "Roll back",
  drain: "Drain",
  weight: "Change weight",
  remove: "Remove",
  crash: "Crash",
};

const EXPLAINED: Record<Act, string> = {
  add: "New shards take their part of the ring from all others of their region.",
  rollback: "The shards of an earlier epoch again, as a new epoch.",
  drain: "It leaves the ring, everybody on it moves, and then it is removed.",
  weight: "A larger or smaller part of the ring.",
  remove: "It leaves at once; whoever is still on it moves.",
  crash: "No close frame, nothing in memory left: its clients come back by themselves. For development.",
};

function Body({ what }: { readonly what: Subject }) {
  const acts = actsOf(what);
  const act = useSignal<Act>(acts[0] ?? "add");
  const number = useSignal(1);
  const place = useSignal(feed.value.descriptor?.defaultRegion ?? "auto");
  const shard = what.kind === "shard" ? shards.value.find(({ id }) => id === what.id) : undefined;
  const weight = useSignal((shard ?? shards.value[0])?.weight ?? 16);
  const request = requestOf(what, act.value, {
    count: number.value,
    region: place.value,
    weight: weight.value,
  });
  const going = carrying.value;
  const epoch = feed.value.descriptor?.epoch;

  useEffect(() => {
    if (request === undefined || carrying.value.state !== "no") return undefined;
    const timer = setTimeout(() => void askDryRun(request), 150);
    return () => clearTimeout(timer);
  }, [JSON.stringify(request), epoch]);

  return (
    <form
      class="drawer-body"
      onSubmit={(event) => {
        event.preventDefault();
        if (act.value === "crash" && what.kind === "shard") void crash(what.id);
        else if (request !== undefined) void confirm(request);
      }}
    >
      <header>
        <h2 id="drawer-title">{titleOf(what)}</h2>
        <button type="button" class="quiet" onClick={close} aria-label="Close">
          ✕
        </button>
      </header>
      {going.state === "done" ? (
        <Progress result={going.result} />
      ) : (
        <>
          {acts.length > 1 && (
            <div class="segments" role="radiogroup" aria-label="What to do">
              {acts.map((one) => (
                <label key={one} class={one === act.value ? "on" : ""}>
                  <input
                    type="radio"
                    name="act"
                    checked={one === act.value}
                    onChange={() => (act.value = one)}
                  />
                  {VERBS[one]}
                </label>
              ))}
            </div>
          )}
          <p class="hint">{EXPLAINED[act.value]}</p>
          {act.value === "add" && (
            <div class="fields">
              <Field label="How many">
                <NumberInput
                  value={number.value}
                  least={1}
                  most={64}
                  onChange={(value) => (number.value = value)}
                />
              </Field>
              <Field label="Region">
                <select value={place.value} onChange={(event) => (place.value = event.currentTarget.value)}>
                  {REGIONS.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              </Field>
            </div>
          )}
          {(act.value === "add" || act.value === "weight") && (
            <Field label={`Weight, 1 to ${MAX_WEIGHT}`}>
              <NumberInput
                value={weight.value}
                least={1}
                most={MAX_WEIGHT}
                onChange={(value) => (weight.value = value)}
              />
            </Field>
          )}
          {act.value === "crash" ? (
            <p class="notice warn">
              {shard?.sessions === null || shard === undefined
                ? "Its sessions are not known."
                : `${plural(shard.sessions, "session")} will be cut off.`}
            </p>
          ) : (
            <Plan />
          )}
          {going.state === "failed" && (
            <p class="notice bad" role="alert">
              It was not done: {going.message}.
            </p>
          )}
          <footer>
            <button type="button" onClick={close}>
              Cancel
            </button>
            <button
              type="submit"
              class={act.value === "add" || act.value === "weight" ? "primary" : "danger"}
              disabled={!ready(act.value)}
            >
              {going.state === "going" ? "Working …" : buttonText(what, act.value, number.value)}
            </button>
          </footer>
        </>
      )}
    </form>
  );
}

function NumberInput(props: {
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly onChange: (value: number) => void;
}) {
  return (
    <input
      type="number"
      min={props.least}
      max={props.most}
      step={1}
      required
      value={props.value}
      onInput={(event) => {
        const value = event.currentTarget.valueAsNumber;
        if (Number.isInteger(value) && value >= props.least && value <= props.most) props.onChange(value);
      }}
    />
  );
}

/** Nothing is done that has not been shown first. */
function ready(act: Act): boolean {
  if (carrying.value.state === "going") return false;
  if (act === "crash") return true;
  return dryRun.value.state === "planned" && dryRun.value.result.changed;
}

function actsOf(what: Subject): readonly Act[] {
  if (what.kind !== "shard") return [what.kind];
  return ["drain", "weight", "remove", ...(development.value ? (["crash"] as const) : [])];
}

function titleOf(what: Subject): string {
  if (what.kind === "add") return "Add shards";
  return what.kind === "shard" ? what.id : `Roll back to epoch ${what.ringEpoch}`;
}

function buttonText(what: Subject, act: Act, number: number): string {
  if (act === "add") return `Add ${plural(number, "shard")}`;
  return what.kind === "shard" ? `${VERBS[act]} ${act === "weight" ? "" : what.id}`.trim() : VERBS[act];
}

function requestOf(
  what: Subject,
  act: Act,
  fields: { readonly count: number; readonly region: string; readonly weight: number },
): ChangeRequest | undefined {
  if (what.kind === "add") return { method: "POST", path: "/shards", body: fields };
  if (what.kind === "rollback") return { method: "POST", path: "/rollback", body: { epoch: what.ringEpoch } };
  const path = `/shards/${encodeURIComponent(what.id)}`;
  switch (act) {
    case "drain":
      return { method: "POST", path: `${path}/drain`, body: {} };
    case "weight":
      return { method: "PATCH", path, body: { weight: fields.weight } };
    case "remove":
      return { method: "DELETE", path, body: {} };
    default:
      return undefined;
  }
}
