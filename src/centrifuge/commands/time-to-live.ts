/** The `expires` and `ttl` (whole seconds, at least 1) of a reply; nothing for what never expires. */
export function timeToLive(expiresAt: number | undefined, now: number): { expires?: true; ttl?: number } {
  if (expiresAt === undefined) return {};
  return { expires: true, ttl: Math.max(1, Math.ceil((expiresAt - now) / 1000)) };
}
