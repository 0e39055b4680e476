import { parseChannel } from "../policy/channels.ts";
import { mayReach } from "../shard/connections/new-channels.ts";
import { subscriptionsOf, type Session } from "../shard/connections/session.ts";
import type { Core } from "../shard/front.ts";
import { namespaceChannel, readChannel } from "./names.ts";
import type { Recovery } from "./recovery/recovery.ts";
import { channelToJoin } from "./shared-rooms.ts";
import { memberOf, stateOf } from "./state.ts";

export type ClientRoomsParts = { readonly core: Core; readonly recovery: Recovery | undefined };

/** The rooms and namespaces of one client: the channels that it hears, within the limits of a client (SPEC SO16). */
export class ClientRooms {
  readonly #session: Session;
  readonly #parts: ClientRoomsParts;

  constructor(session: Session, parts: ClientRoomsParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** The channels of a namespace, the one of the namespace itself among them. */
  channelsOf(nsp: string): string[] {
    return [...subscriptionsOf(this.#session).keys()].filter((channel) => readChannel(channel).nsp === nsp);
  }

  /** Rejects where the room cannot be reached, or is one too many. */
  async join(nsp: string, room: string): Promise<void> {
    const { config } = this.#parts.core;
    const { limits } = config.cluster;
    const channel = channelToJoin(config, nsp, room);
    if (subscriptionsOf(this.#session).has(channel)) return;
    this.#checkCount({ more: 1 });
    if (!mayReach(this.#session, channel, limits)) throw new Error("a connection joins new rooms too fast");
    await this.#listen(nsp, channel);
  }

  /** Hears a channel. `tell` runs in the turn in which it begins. Throws where there is no room for it. */
  async #listen(nsp: string, channel: string, tell: () => void = () => undefined): Promise<void> {
    const { core, recovery } = this.#parts;
    const parsed = parseChannel(channel, core.config.cluster.limits.channelBytes);
    if (!parsed.ok) throw new Error("a room has a name that is no channel");
    // Where it is not known what the shard has missed of a channel with history, the client comes back and begins anew.
    const subscription = { byServer: true } as const;
    // The next socket of the namespace is another one, in no room of this one.
    const id = memberOf(this.#session, nsp)?.id;
    const isWanted = (): boolean => memberOf(this.#session, nsp)?.id === id;
    const request = { channel: parsed.channel, user: "", wishes: {}, subscription, isWanted };
    const joined = await core.subscriptions.join(this.#session, request, ({ position }) => {
      const member = memberOf(this.#session, nsp);
      if (member !== undefined) recovery?.keeper.joined(member.id, channel, position);
      tell();
    });
    if (joined === "full")
      throw new Error("the rooms are too many: a connection keeps 16 KiB in all (docs/from-socket-io.md)");
  }

  /** Hears what is for all sockets of a namespace. */
  async enter(nsp: string, tell: () => void): Promise<void> {
    this.#checkCount({ more: 0 });
    const channel = namespaceChannel(nsp);
    const isMadeUp = memberOf(this.#session, nsp)?.foundBy !== undefined;
    if (isMadeUp && !mayReach(this.#session, channel, this.#parts.core.config.cluster.limits))
      throw new Error("a connection joins new namespaces too fast");
    await this.#listen(nsp, channel, tell);
  }

  /** `more`: than the channels that it hears, and those of the namespaces that it is coming into. */
  #checkCount({ more }: { readonly more: number }): void {
    const { channelsPerClient } = this.#parts.core.config.cluster.limits;
    const channels = subscriptionsOf(this.#session);
    const coming = [...stateOf(this.#session).members.keys()].filter(
      (nsp) => !channels.has(namespaceChannel(nsp)),
    );
    if (channels.size + coming.length + more > channelsPerClient)
      throw new Error(`a connection is in ${channelsPerClient} rooms at most, namespaces included`);
  }

  leave(nsp: string, id: string, room: string): void {
    const channel = this.channelsOf(nsp).find((one) => readChannel(one).room === room);
    if (channel === undefined) return;
    const { core, recovery } = this.#parts;
    core.subscriptions.leave(this.#session, channel);
    recovery?.keeper.left(id, channel);
  }
}
