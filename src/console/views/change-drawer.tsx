import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import {
  closeDrawer,
  crashShard,
  drawerContent,
  dryRun,
  startDryRun,
  submission,
  submitChange,
} from "../data/change.ts";
import { shards } from "../data/shards.ts";
import { development, feed } from "../data/store.ts";
import { actionsFor, requestFor, type ChangeAction, type DrawerContent } from "../model/change-request.ts";
import { plural } from "../model/format.ts";
import { ChangeFields } from "./change-fields.tsx";
import { Plan, Progress } from "./change-plan.tsx";

/** Keystrokes follow each other faster than this: the dry run starts when the operator pauses. */
const DRY_RUN_DELAY_MS = 150;

/**
 * The drawer for a change of the ring: the dry run, the confirmation, then the progress. It opens beside the page, so
 * that the ring shows the slots that would move.
 */
export function ChangeDrawer() {
  const dialog = useRef<HTMLDialogElement>(null);
  const content = drawerContent.value;
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    if (content !== undefined && !element.open) element.showModal();
    if (content === undefined && element.open) element.close();
  }, [content]);
  return (
    <dialog ref={dialog} class="drawer" aria-labelledby="drawer-title" onClose={closeDrawer}>
      {content !== undefined && <ChangeForm key={JSON.stringify(content)} content={content} />}
    </dialog>
  );
}

const ACTION_LABELS: Record<ChangeAction, string> = {
  add: "Add",
  rollback: "Roll back",
  drain: "Drain",
  weight: "Change weight",
  remove: "Remove",
  crash: "Crash",
};

const ACTION_HINTS: Record<ChangeAction, string> = {
  add: "The new shards take slots from all other shards of their region.",
  rollback: "A new epoch gets the shards of this earlier epoch.",
  drain:
    "The shard leaves the ring, and its sessions move. The coordinator removes the shard when it is empty.",
  weight: "A shard with a larger weight has a larger part of the ring.",
  remove: "The coordinator removes the shard at once, and its sessions move.",
  crash:
    "The shard loses its memory, and its sockets without a close frame. Its clients reconnect by themselves. For development.",
};

function ChangeForm({ content }: { readonly content: DrawerContent }) {
  const actions = actionsFor(content, { development: development.value });
  const shard = content.kind === "shard" ? shards.value.find(({ id }) => id === content.id) : undefined;
  const action = useSignal<ChangeAction>(actions[0]);
  const fields = useSignal({
    count: (content.kind === "add" ? content.count : undefined) ?? 1,
    region:
      (content.kind === "add" ? content.region : undefined) ?? feed.value.descriptor?.defaultRegion ?? "auto",
    weight: (shard ?? shards.value[0])?.weight ?? 16,
  });
  const request = requestFor(content, action.value, fields.value);
  const epoch = feed.value.descriptor?.epoch;

  useEffect(() => {
    if (request === undefined || submission.value.state !== "none") return undefined;
    const timer = setTimeout(() => void startDryRun(request), DRY_RUN_DELAY_MS);
    return () => clearTimeout(timer);
  }, [JSON.stringify(request), epoch]);

  return (
    <form
      class="drawer-body"
      onSubmit={(event) => {
        event.preventDefault();
        if (action.value === "crash" && content.kind === "shard") void crashShard(content.id);
        else if (request !== undefined) void submitChange(request);
      }}
    >
      <header>
        <h2 id="drawer-title">{titleOf(content)}</h2>
        <button type="button" class="quiet" onClick={closeDrawer} aria-label="Close">
          ✕
        </button>
      </header>
      {submission.value.state === "done" ? (
        <Progress result={submission.value.result} />
      ) : (
        <>
          {actions.length > 1 && (
            <ActionChoice actions={actions} chosen={action.value} onChoose={(one) => (action.value = one)} />
          )}
          <p class="hint">{ACTION_HINTS[action.value]}</p>
          <ChangeFields
            action={action.value}
            fields={fields.value}
            onChange={(changed) => (fields.value = { ...fields.value, ...changed })}
          />
          {action.value === "crash" ? <CrashWarning sessions={shard?.sessions ?? null} /> : <Plan />}
          {submission.value.state === "failed" && (
            <p class="notice bad" role="alert">
              The change failed: {submission.value.message}.
            </p>
          )}
          <footer>
            <button type="button" onClick={closeDrawer}>
              Cancel
            </button>
            <button
              type="submit"
              class={action.value === "add" || action.value === "weight" ? "primary" : "danger"}
              disabled={!maySubmit(action.value)}
            >
              {submission.value.state === "running"
                ? "Working …"
                : submitLabel(content, action.value, fields.value)}
            </button>
          </footer>
        </>
      )}
    </form>
  );
}

function ActionChoice(props: {
  readonly actions: readonly ChangeAction[];
  readonly chosen: ChangeAction;
  readonly onChoose: (action: ChangeAction) => void;
}) {
  return (
    <div class="segments" role="radiogroup" aria-label="Change">
      {props.actions.map((action) => (
        <label key={action} class={action === props.chosen ? "on" : ""}>
          <input
            type="radio"
            name="action"
            checked={action === props.chosen}
            onChange={() => props.onChoose(action)}
          />
          {ACTION_LABELS[action]}
        </label>
      ))}
    </div>
  );
}

const CrashWarning = ({ sessions }: { readonly sessions: number | null }) => (
  <p class="notice warn">
    {sessions === null
      ? "The number of sessions on this shard is unknown."
      : `${plural(sessions, "session")} will lose the connection.`}
  </p>
);

/** A change of the ring needs a dry run that succeeded and that changes something. */
function maySubmit(action: ChangeAction): boolean {
  if (submission.value.state === "running") return false;
  if (action === "crash") return true;
  return dryRun.value.state === "planned" && dryRun.value.result.wouldChange === true;
}

function titleOf(content: DrawerContent): string {
  switch (content.kind) {
    case "add":
      return "Add shards";
    case "shard":
      return content.id;
    case "rollback":
      return `Roll back to epoch ${content.ringEpoch}`;
  }
}

function submitLabel(
  content: DrawerContent,
  action: ChangeAction,
  { count }: { readonly count: number },
): string {
  if (action === "add") return `Add ${plural(count, "shard")}`;
  if (content.kind !== "shard" || action === "weight") return ACTION_LABELS[action];
  return `${ACTION_LABELS[action]} ${content.id}`;
}
