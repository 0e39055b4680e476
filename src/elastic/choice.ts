import type { Decision } from "./policy.ts";

/** A decision, and when the policy is to be asked again without a report; undefined if only a report can change it. */
export type Choice = { readonly decision: Decision; readonly askAgainAt: number | undefined };

export const act = (decision: Decision): Choice => ({ decision, askAgainAt: undefined });
export const hold = (reason: string, askAgainAt: number | undefined): Choice => ({
  decision: { kind: "hold", reason },
  askAgainAt,
});
export const percent = (part: number): string => `${Math.round(part * 100)} %`;
export const seconds = (ms: number): number => Math.round(ms / 1_000);
