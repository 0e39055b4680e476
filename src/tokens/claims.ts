/** The claims of a verified connection token (docs/protocol.md C36). `expiresAt` is in seconds since 1970. */
export type ConnectionClaims = {
  /** Empty for an anonymous visitor. */
  readonly user: string;
  /** The operator's API of this deployment has signed the token, and not the application. */
  readonly operator?: true;
  readonly expiresAt?: number;
  readonly info?: unknown;
  /** Channels that the server subscribes the client to. */
  readonly channels: readonly string[];
  readonly subs: Readonly<Record<string, { readonly info?: unknown; readonly data?: unknown }>>;
};

/** The claims of a verified subscription token (docs/protocol.md C37). `expiresAt` is in seconds since 1970. */
export type SubscriptionClaims = {
  readonly user: string;
  readonly channel: string;
  /** The operator's API of this deployment has signed the token, and not the application. */
  readonly operator?: true;
  /** The only connection that may use the token, where the token names one. */
  readonly client?: string;
  readonly info?: unknown;
  readonly expiresAt?: number;
};
