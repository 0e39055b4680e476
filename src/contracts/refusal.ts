/** How a client's wish is refused, in whatever protocol the client speaks. */

/** An error reply. A stock client tries again what is `temporary`. */
export type ReplyError = {
  readonly code: number;
  readonly message: string;
  readonly temporary?: boolean | undefined;
};

/** A close frame. A reason has at most 123 bytes and MUST NOT parse as JSON: the JS SDK would obey its fields. */
export type Close = { readonly code: number; readonly reason: string };
