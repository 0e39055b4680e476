import type { HandshakeInfo } from "./state.ts";

/** The handshake of a socket. It stays as it was, also after a sleep. */
export type Handshake = HandshakeInfo & {
  /** What the client has sent as `auth`. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** When the connection was opened: ms since 1970, and as a text. */
  readonly issued: number;
  readonly time: string;
  /** The identity of the upgrade, from the hook `authenticate` or a token in the address. */
  readonly user: string | undefined;
  readonly userInfo: unknown;
};
