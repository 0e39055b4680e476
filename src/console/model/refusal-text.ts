/** Why the cluster does not let this page watch a channel, for the messages that do not say it themselves. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["unknown channel", "no namespace of the configuration has a channel of this name"],
  ["permission denied", "an operator may not watch it"],
  ["limit exceeded", "this connection or the channel has as many subscriptions as it may"],
  ["bad request", "it is not the name of a channel"],
]);

/** A sentence for a subscription that the cluster has refused or ended (SPEC OP15). */
export function refusalText(
  channel: string,
  { code, message }: { readonly code: number; readonly message: string },
): string {
  const reason = REASONS.get(message);
  return `${channel} cannot be watched: ${message}${reason === undefined ? "" : `, ${reason}`} (code ${code}).`;
}
