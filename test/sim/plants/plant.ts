import type { RolloutKind } from "../rollout.ts";

/** One change of the present code; `code` MUST be once in the file. */
type Edit = { readonly file: string; readonly code: string; readonly instead: string };

/**
 * A slip in the present code that the simulator must find, or a test where no history sees it soon.
 * `also`: further edits of the same slip.
 */
export type Plant = Edit & {
  /** The law that it breaks. */
  readonly law: string;
  readonly also?: readonly Edit[];
  /** The first history of 40 steps, from seed 1 on, that finds it. */
  readonly seed?: number;
  /** The kind of history that finds it, `none` by default. */
  readonly releases?: RolloutKind;
  /** The traits of the histories that find it; drawn for each history by default. */
  readonly traits?: string;
  /** Fewer than one history in 100 finds it. */
  readonly isRare?: true;
  /** The test that finds it, in place of a history. */
  readonly foundBy?: string;
};
