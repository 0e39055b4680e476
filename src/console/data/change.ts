import { signal } from "@preact/signals";
import type { Descriptor } from "../../ring/descriptor.ts";
import type { ChangeRequest, DrawerContent } from "../model/change-request.ts";
import { callAdminApi, makeChange, messageOf, planChange, type ChangeView } from "./api.ts";
import { addIncident, clusterTime, feed, refresh } from "./store.ts";

/** The change that the drawer shows; undefined while the drawer is closed. */
export const drawerContent = signal<DrawerContent | undefined>(undefined);

export type DryRun =
  | { readonly state: "running" }
  | { readonly state: "planned"; readonly result: ChangeView }
  | { readonly state: "refused"; readonly message: string };

export const dryRun = signal<DryRun>({ state: "running" });

/** The descriptor that the dry run predicts. The ring marks the slots that would move. */
export const preview = signal<Descriptor | undefined>(undefined);

/** A change that the operator has confirmed. */
export type Submission =
  | { readonly state: "none" }
  | { readonly state: "running" }
  | { readonly state: "done"; readonly result: ChangeView }
  | { readonly state: "failed"; readonly message: string };

export const submission = signal<Submission>({ state: "none" });

let lastDryRun = 0;

export function openDrawer(content: DrawerContent): void {
  submission.value = { state: "none" };
  dryRun.value = { state: "running" };
  drawerContent.value = content;
}

export function closeDrawer(): void {
  drawerContent.value = undefined;
  preview.value = undefined;
  // The answer of a dry run that is still running is not shown.
  lastDryRun += 1;
}

/** Starts a dry run. A newer dry run replaces an older one, whose answer is then ignored. */
export async function startDryRun(request: ChangeRequest): Promise<void> {
  lastDryRun += 1;
  const thisDryRun = lastDryRun;
  dryRun.value = { state: "running" };
  const answer = await planChange(request).then(
    (result): DryRun => ({ state: "planned", result }),
    (error: unknown): DryRun => ({ state: "refused", message: messageOf(error) }),
  );
  if (thisDryRun !== lastDryRun) return;
  dryRun.value = answer;
  preview.value =
    answer.state === "planned" && answer.result.wouldChange === true
      ? descriptorOf(answer.result)
      : undefined;
}

export async function submitChange(request: ChangeRequest): Promise<void> {
  submission.value = { state: "running" };
  try {
    const result = await makeChange(request);
    preview.value = undefined;
    submission.value = { state: "done", result };
    await refresh();
  } catch (error) {
    submission.value = { state: "failed", message: messageOf(error) };
  }
}

export async function crashShard(id: string): Promise<void> {
  submission.value = { state: "running" };
  // The restart, which the crash causes, is told before the call is over.
  const at = clusterTime();
  try {
    await callAdminApi("POST", `/shards/${encodeURIComponent(id)}/crash`);
    addIncident({ at, kind: "crash", shard: id, text: `this page has crashed ${id}` });
    closeDrawer();
  } catch (error) {
    submission.value = { state: "failed", message: messageOf(error) };
  }
}

function descriptorOf({ ringEpoch, shards }: ChangeView): Descriptor | undefined {
  const present = feed.peek().descriptor;
  return present === undefined ? undefined : { ...present, epoch: ringEpoch, shards };
}
