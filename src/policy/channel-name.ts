/** A channel's name taken apart: `[$][namespace:]rest[#user,user]`. */
export type ChannelName = {
  readonly name: string;
  /** Undefined for a channel without one. */
  readonly namespace: string | undefined;
  /** Starts with `$`: only a subscription token opens it. */
  readonly isPrivate: boolean;
  /** The users that follow a `#`; undefined without one. */
  readonly users: readonly string[] | undefined;
};

const PRINTABLE_ASCII = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Reads a channel's name: printable ASCII (no space at either end) of at most `maxBytes`. */
export function parseChannel(
  name: string,
  maxBytes: number,
): { readonly ok: true; readonly channel: ChannelName } | { readonly ok: false } {
  if (name.length > maxBytes || !PRINTABLE_ASCII.test(name)) return { ok: false };
  const isPrivate = name.startsWith("$");
  const bare = isPrivate ? name.slice(1) : name;
  const colon = bare.indexOf(":");
  const hash = name.indexOf("#");
  return {
    ok: true,
    channel: {
      name,
      namespace: colon < 0 ? undefined : bare.slice(0, colon),
      isPrivate,
      users: hash < 0 ? undefined : name.slice(hash + 1).split(","),
    },
  };
}
