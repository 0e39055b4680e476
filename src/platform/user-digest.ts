import type { ClusterConfig } from "../config/cluster.ts";
import type { ChannelName } from "../policy/channels.ts";
import { digestPersonalChannel, needsDigest, shortPersonalChannel } from "../policy/user-names.ts";

/** The digest of a user, where a channel's name needs it (SPEC AU20). */
export const digestFor = async (channel: ChannelName, user: string): Promise<string | undefined> =>
  needsDigest(channel) ? digest(user) : undefined;

/** The user's own channel, where the cluster gives users one (SPEC AU21). */
export async function personalChannelOf(
  { personalChannel, limits }: ClusterConfig,
  user: string,
): Promise<string[]> {
  const { enabled, namespace } = personalChannel;
  if (!enabled || user === "") return [];
  const prefix = namespace === "" ? "" : `${namespace}:`;
  const short = shortPersonalChannel(prefix, user, limits.channelBytes);
  return [short ?? digestPersonalChannel(prefix, await digest(user))];
}

async function digest(user: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(user));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
