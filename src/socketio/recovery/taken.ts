import type { Message } from "../message.ts";

/** A shard asks for a session that another one keeps. */
export type TakeRequest = {
  readonly nsp: string;
  readonly id: string;
  readonly secret: string;
  /** What the client states. */
  readonly offset: unknown;
  /** The identity of the new connection; absent where it has none. */
  readonly user?: string;
  /** The shard that asks, as the prefix of ids. */
  readonly to: string;
  /** The same in each repetition of one call. */
  readonly by: string;
};

/** The answer. A session is taken once (SPEC SO46). */
export type Taken =
  | { readonly kind: "none"; readonly reason: string }
  /** Another shard has it by now. */
  | { readonly kind: "moved"; readonly to: string }
  | {
      readonly kind: "taken";
      readonly data: unknown;
      /** Where its client is in each channel. */
      readonly positions: readonly (readonly [channel: string, logEpoch: string, offset: number])[];
      /** The unions that its client has received. */
      readonly unions: readonly string[];
      /** The events for this socket alone that its client has missed. */
      readonly direct: readonly Message[];
    };
