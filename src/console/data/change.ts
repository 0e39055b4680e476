import { signal } from "@preact/signals";
import type { ChangeResult } from "../../contracts/membership.ts";
import type { Descriptor } from "../../ring/descriptor.ts";
import { ApiError, admin, carryOut, plan, type ChangeRequest } from "./api.ts";
import { feed, note, preview, refresh } from "./store.ts";

/** What the drawer is about. */
export type Subject =
  | { readonly kind: "add" }
  | { readonly kind: "shard"; readonly id: string }
  | { readonly kind: "rollback"; readonly ringEpoch: number };

export const subject = signal<Subject | undefined>(undefined);

export type DryRun =
  | { readonly state: "asking" }
  | { readonly state: "planned"; readonly result: ChangeResult }
  | { readonly state: "refused"; readonly message: string };

export const dryRun = signal<DryRun>({ state: "asking" });

export type Carrying =
  | { readonly state: "no" }
  | { readonly state: "going" }
  | { readonly state: "done"; readonly result: ChangeResult }
  | { readonly state: "failed"; readonly message: string };

export const carrying = signal<Carrying>({ state: "no" });

let asked = 0;

export function open(what: Subject): void {
  carrying.value = { state: "no" };
  dryRun.value = { state: "asking" };
  subject.value = what;
}

export function close(): void {
  subject.value = undefined;
  preview.value = undefined;
  asked += 1;
}

/** Asks what a change would do; of several questions in flight only the last one's answer is shown. */
export async function askDryRun(request: ChangeRequest): Promise<void> {
  asked += 1;
  const mine = asked;
  dryRun.value = { state: "asking" };
  const answer = await plan(request).then(
    (result): DryRun => ({ state: "planned", result }),
    (error: unknown): DryRun => ({ state: "refused", message: messageOf(error) }),
  );
  if (mine !== asked) return;
  dryRun.value = answer;
  preview.value =
    answer.state === "planned" && answer.result.changed ? descriptorOf(answer.result) : undefined;
}

export async function confirm(request: ChangeRequest): Promise<void> {
  carrying.value = { state: "going" };
  try {
    const result = await carryOut(request);
    preview.value = undefined;
    carrying.value = { state: "done", result };
    await refresh();
  } catch (error) {
    carrying.value = { state: "failed", message: messageOf(error) };
  }
}

export async function crash(id: string): Promise<void> {
  carrying.value = { state: "going" };
  try {
    await admin("POST", `/shards/${encodeURIComponent(id)}/crash`);
    note({ kind: "crash", shard: id, text: `${id} was crashed from here` });
    close();
  } catch (error) {
    carrying.value = { state: "failed", message: messageOf(error) };
  }
}

function descriptorOf({ ringEpoch, shards }: ChangeResult): Descriptor | undefined {
  const present = feed.peek().descriptor;
  return present === undefined ? undefined : { ...present, epoch: ringEpoch, shards };
}

export const messageOf = (error: unknown): string =>
  error instanceof ApiError ? error.message : `something failed: ${String(error)}`;
