import { identify } from "../shard/connections/identify.ts";
import type { Open, Session } from "../shard/connections/session.ts";
import type { Core } from "../shard/front.ts";
import { logError } from "../platform/logger.ts";
import { askMiddlewares, INTERNAL, type Refused } from "./ask-middlewares.ts";
import { Candidate } from "./candidate.ts";
import type { AnySocket, Client } from "./client.ts";
import type { DisconnectReason } from "./codes.ts";
import { Dispatcher } from "./dispatcher.ts";
import { findNamespace } from "./find-namespace.ts";
import { encodePacket, type SocketPacket } from "./packets.ts";
import { encodePid, newSocketId } from "./names.ts";
import { randomText } from "./random-text.ts";
import { Reconnect } from "./recovery/reconnect.ts";
import type { Recovery } from "./recovery/recovery.ts";
import type { SocketIndex } from "./socket-index.ts";
import type { Member } from "./state.ts";
import type { SocketWire } from "./wire.ts";
import type { AllHandlers, Handlers } from "./registry.ts";

type PacketOf<Kind extends SocketPacket["kind"]> = Extract<SocketPacket, { kind: Kind }>;

/** A socket whose middlewares are asked, and what they have done to it. */
type Entering = { readonly candidate: Candidate; readonly handlers: Handlers };

export type NamespacesParts = {
  readonly index: SocketIndex;
  readonly recovery: Recovery | undefined;
  readonly wire: SocketWire;
};

/** What clients do in namespaces: connect, send events, answer, disconnect. */
export class Namespaces {
  readonly #core: Core;
  readonly #server: AllHandlers;
  readonly #index: SocketIndex;
  readonly #dispatcher: Dispatcher;
  readonly #recovery: Recovery | undefined;
  readonly #wire: SocketWire;

  constructor(core: Core, server: AllHandlers, { index, recovery, wire }: NamespacesParts) {
    this.#core = core;
    this.#server = server;
    this.#index = index;
    this.#dispatcher = new Dispatcher(core, server);
    this.#recovery = recovery;
    this.#wire = wire;
  }

  /** Carries out one packet, in the order of its namespace. */
  async receive(client: Client, packet: SocketPacket): Promise<void> {
    const { nsp } = packet;
    // A stock client does not send to a namespace before it is in.
    const coming = client.coming.into(nsp);
    if (coming !== undefined) await coming;
    if (client.session.ended) return;
    if (packet.kind === "connect") return this.#come(client, packet);
    const socket = client.socket(nsp);
    // As a stock server does it: the client is not where it believes to be.
    if (socket === undefined) return this.#core.connections.end(client.session, "badRequest");
    if (packet.kind === "ack") return client.acks.take(nsp, packet.id, packet.args);
    if (packet.kind === "disconnect") return this.leave(client, nsp, "client namespace disconnect");
    this.#dispatcher.receive(client, socket, packet);
    await client.whenNotBusy();
  }

  /** The server ends a socket. The client does not come back by itself, as it would after a lost connection. */
  disconnect(client: Client, nsp: string, { close }: { readonly close: boolean }): void {
    const { connections } = this.#core;
    for (const name of close ? [...client.state.members.keys()] : [nsp]) {
      if (!client.state.members.has(name) || client.phases.isLeaving(name) || client.session.ended) continue;
      // It is on its way back, and its client does not know yet: the session stays for its return.
      if (this.#recovery?.gates.isClosed(client.session, name) === true) continue;
      connections.send(client.session, encodePacket({ kind: "disconnect", nsp: name }));
      this.leave(client, name, "server namespace disconnect");
    }
    if (close) connections.close(client.session, { code: 1000, reason: "" });
  }

  /** A socket leaves its namespace; the connection stays. */
  leave(client: Client, nsp: string, reason: DisconnectReason): void {
    const socket = client.socket(nsp);
    const handlers = this.#dispatcher.handlersOf(client, nsp);
    if (socket === undefined || client.phases.isLeaving(nsp)) return;
    const isHeardOf = client.phases.of(nsp) !== "entering";
    const tell = (event: string): void => {
      if (isHeardOf)
        this.#dispatcher.tell(client, { nsp, event, ...(handlers && { handlers }) }, [socket, reason]);
    };
    client.phases.begin(nsp, "leaving");
    try {
      tell("disconnecting");
      client.forget(nsp);
      this.#index.delete(socket.id);
    } finally {
      client.phases.end(nsp, "leaving");
    }
    tell("disconnect");
  }

  /** The connection has ended, and all its sockets with it. */
  ended(client: Client, reason: DisconnectReason): void {
    const going = [...client.state.members.keys()]
      .filter((nsp) => !client.phases.isLeaving(nsp))
      .map((nsp) => ({ nsp, isHeardOf: client.phases.of(nsp) !== "entering" }));
    for (const { nsp } of going) client.phases.begin(nsp, "leaving");
    for (const { nsp, isHeardOf } of going) {
      const socket = client.socket(nsp);
      if (socket !== undefined) this.#index.delete(socket.id);
      // Its connection has not been told to any handler.
      if (this.#recovery?.gates.isClosed(client.session, nsp) === true) continue;
      if (!isHeardOf) {
        if (socket !== undefined) this.#recovery?.keeper.forget(socket.id);
        continue;
      }
      this.#dispatcher.tell(client, { nsp, event: "disconnecting" }, [socket, reason]);
      if (socket !== undefined)
        this.#recovery?.keeper.ended(client.session, socket.id, { data: socket.data, reason });
      client.phases.begin(nsp, "left");
      this.#dispatcher.tell(client, { nsp, event: "disconnect" }, [socket, reason]);
      client.acks.end(nsp);
    }
  }

  #ask(handlers: Handlers, socket: AnySocket): Promise<Refused | undefined> {
    return askMiddlewares(handlers, socket, this.#core.config.cluster.times.hookTimeoutMs);
  }

  /**
   * Middlewares may take their time, and wait for what the client says elsewhere: once it is let in somewhere, its other
   * packets go on meanwhile, as in a stock server.
   */
  async #come(client: Client, packet: PacketOf<"connect">): Promise<void> {
    const isFirst = client.session.attachment.state === "opening";
    const connected = this.#connect(client, packet);
    if (isFirst) return connected;
    client.coming.begin(packet.nsp, connected);
    await client.whenNotBusy();
  }

  async #connect(client: Client, { nsp, auth }: PacketOf<"connect">): Promise<void> {
    const { connections } = this.#core;
    const { session } = client;
    if (client.state.members.has(nsp)) return connections.end(session, "badRequest");
    const { limits, times } = this.#core.config.cluster;
    const bounds = { channelBytes: limits.channelBytes, timeoutMs: times.hookTimeoutMs };
    const found = await findNamespace(this.#server, { nsp, auth }, bounds);
    const handlers = found && this.#server.handlersOf(nsp, found.foundBy);
    if (session.ended) return;
    if (handlers === undefined) return this.#refuse(client, nsp, { message: "Invalid namespace" });
    const unknown = await this.#identify(client);
    if (session.ended) return;
    if (unknown !== undefined) return this.#refuse(client, nsp, unknown);
    if (this.#recovery !== undefined && (await this.#reconnect(client, { nsp, auth, ...found }, handlers)))
      return;
    if (session.ended) return;
    const id = newSocketId(this.#core.shard, randomText(15));
    const secret = this.#recovery === undefined ? {} : { secret: randomText(15) };
    const member = { id, auth, data: {}, ...found, ...secret };
    const candidate = new Candidate(client.workOf(nsp, id));
    try {
      await this.#enter(client, nsp, { member, candidate, handlers });
    } finally {
      candidate.end();
    }
  }

  /** A new socket comes into its namespace, if the middlewares let it. */
  async #enter(
    client: Client,
    nsp: string,
    { member, candidate, handlers }: Entering & { readonly member: Member },
  ): Promise<void> {
    const { connections } = this.#core;
    const { session } = client;
    const { id, secret } = member;
    const socket = client.makeSocket(nsp, member, candidate.work);
    const refused = await this.#ask(handlers, socket);
    if (session.ended) return;
    if (refused !== undefined) return this.#refuse(client, nsp, refused);
    this.#open(session);
    // Another handler of its connection may have taken the socket out meanwhile.
    const isThere = (): boolean => client.state.members.get(nsp)?.id === id;
    const told = () => {
      const pid = secret === undefined ? undefined : encodePid({ id, secret });
      if (isThere()) connections.send(session, encodePacket({ kind: "connect", nsp, sid: id, pid }));
    };
    try {
      const data: unknown = JSON.parse(JSON.stringify(socket.data) ?? "null");
      if (!client.remember(nsp, { ...member, data })) throw new Error("a connection keeps 16 KiB in all");
      client.keep(nsp, socket);
      client.phases.begin(nsp, "entering");
      if (secret !== undefined) this.#recovery?.begin({ id, secret }, { nsp, data, session });
      await candidate.join();
      await client.rooms.enter(nsp, told);
    } catch (error) {
      logError("a socket could not join its namespace", {
        session: session.attachment.id,
        namespace: nsp,
        error,
      });
      if (session.ended) return;
      client.forget(nsp);
      return this.#refuse(client, nsp, { message: "the namespace cannot be joined now" });
    } finally {
      client.phases.end(nsp, "entering");
    }
    if (session.ended) return;
    if (!isThere()) return client.forget(nsp);
    this.#index.add(id, session);
    candidate.admit();
    this.#dispatcher.tell(client, { nsp, event: "connection" }, [socket]);
  }

  /** Lets a client go on with its session. Answers false where it has to begin anew. */
  async #reconnect(
    client: Client,
    connect: Pick<Member, "auth" | "foundBy"> & { readonly nsp: string },
    handlers: Handlers,
  ): Promise<boolean> {
    const recovery = this.#recovery;
    if (recovery === undefined) return false;
    const { nsp } = connect;
    const { session } = client;
    const parts = { core: this.#core, recovery, wire: this.#wire, index: this.#index };
    const reconnect = await Reconnect.begin(parts, client, connect);
    if (reconnect === undefined || session.ended) return session.ended;
    const { member } = reconnect;
    const candidate = new Candidate(client.workOf(nsp, member.id), reconnect.rooms);
    try {
      const socket = client.makeSocket(nsp, member, candidate.work);
      const refused = recovery.skipMiddlewares ? undefined : await this.#ask(handlers, socket);
      if (session.ended) return true;
      if (refused !== undefined) {
        reconnect.cancel();
        this.#refuse(client, nsp, refused);
        return true;
      }
      this.#open(session);
      if (!(await reconnect.enter(socket.data, candidate))) return session.ended;
      if (session.ended) return true;
      client.keep(nsp, socket);
      candidate.admit();
      this.#dispatcher.tell(client, { nsp, event: "connection" }, [socket]);
      return true;
    } finally {
      candidate.end();
    }
  }

  /** The first namespace of a connection lets it in. */
  #open(session: Session): void {
    if (session.attachment.state !== "opening") return;
    const { token: _spent, identity: _used, ...placed } = session.attachment;
    const open: Open = { ...placed, state: "open", user: "", subscriptions: new Map() };
    this.#core.connections.open(session, open);
    this.#core.counters.counts.connects += 1;
  }

  #refuse(client: Client, nsp: string, refused: Refused): void {
    let packet: ReturnType<typeof encodePacket>;
    try {
      packet = encodePacket({ kind: "error", nsp, ...refused });
    } catch (error) {
      logError("the refusal of a middleware of Socket.IO is not JSON", { namespace: nsp, error });
      packet = encodePacket({ kind: "error", nsp, message: INTERNAL });
    }
    this.#core.connections.send(client.session, packet);
  }

  /** At the first namespace of a connection: who it is, by the rules of every front (SPEC AU1, HK3). */
  async #identify(client: Client): Promise<Refused | undefined> {
    const { session } = client;
    const opening = session.attachment;
    if (opening.state !== "opening") return undefined;
    const { config, connections, verifier } = this.#core;
    const identity = await identify(opening, undefined, { cluster: config.cluster, verifier });
    switch (identity.kind) {
      case "refused":
        return { message: "unauthorized", data: { reason: identity.why } };
      case "error":
        return { message: identity.error.message, data: { code: identity.error.code } };
      case "disconnect":
        connections.close(session, identity.close);
        return { message: identity.close.reason };
      case "known": {
        const { user, info, expiresAt } = identity.claims;
        if (session.ended) return undefined;
        const named = user === "" ? {} : { identity: { user, ...(info === undefined ? {} : { info }) } };
        const ofFront = { ...client.state, ...named };
        const expiry = expiresAt === undefined ? {} : { expiresAt: expiresAt * 1_000 };
        const isRemembered = connections.sessions.remember(session, { ...opening, ...expiry, ofFront });
        // Without it the session would have no user, and no end.
        return isRemembered ? undefined : { message: "the identity is too large" };
      }
    }
  }
}
