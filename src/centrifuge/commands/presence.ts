import { callAgain } from "../../platform/call.ts";
import { channelStub } from "../../platform/stubs.ts";
import { parseChannel } from "../../policy/channel-name.ts";
import type { CommandOf } from "../command.ts";
import { mayPresence } from "../../policy/permissions.ts";
import type { Present } from "../../contracts/delivery.ts";
import { encodeError, encodePresence, encodeReply } from "../reply.ts";
import type { Clients } from "../../shard/clients.ts";
import type { Open, Session } from "../../shard/connections/session.ts";

/** What other shards said of a channel's presence, asked once for everybody who asks within a second. */
export class RemotePresence {
  readonly #answers = new Map<string, { readonly at: number; readonly answer: Promise<Present[]> }>();

  ask(clients: Clients, channel: string): Promise<Present[]> {
    const now = Date.now();
    const known = this.#answers.get(channel);
    if (known !== undefined && now - known.at < clients.config.cluster.times.presenceCacheMs)
      return known.answer;
    for (const [name, { at }] of this.#answers) {
      if (now - at >= clients.config.cluster.times.presenceCacheMs) this.#answers.delete(name);
    }
    const answer = callAgain(() => channelStub(clients.env, channel).presence(clients.shard.name));
    this.#answers.set(channel, { at: now, answer });
    answer.catch(() => this.#answers.delete(channel));
    return answer;
  }
}

/** Who is on a channel: our own part as of now, that of other shards at most `presenceCacheMs` old. */
export async function presence(
  clients: Clients,
  remote: RemotePresence,
  session: Session,
  open: Open,
  command: CommandOf<"presence"> | CommandOf<"presence_stats">,
): Promise<void> {
  const { id, body } = command;
  const parsed = parseChannel(body.channel, clients.config.cluster.limits.channelBytes);
  if (!parsed.ok) return clients.send(session, encodeError(id, "badRequest"));
  const plan = mayPresence({
    config: clients.config,
    channel: parsed.channel,
    user: open.user,
    subscribed: open.subscriptions.has(body.channel),
  });
  if (plan !== "allowed") return clients.send(session, encodeError(id, plan));

  let elsewhere: Present[];
  try {
    elsewhere = await remote.ask(clients, body.channel);
  } catch (error) {
    console.error("presence could not be asked", error);
    return clients.send(session, encodeError(id, "internal"));
  }
  const everybody = new Map<string, Present>();
  for (const info of [...elsewhere, ...clients.presenceHere(body.channel)]) everybody.set(info.client, info);
  if (command.kind === "presence") {
    return clients.send(session, encodePresence(id, everybody.values()));
  }
  const users = new Set([...everybody.values()].map((info) => info.user));
  clients.send(
    session,
    encodeReply(id, "presence_stats", { num_clients: everybody.size, num_users: users.size }),
  );
}
