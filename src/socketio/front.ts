import type { Opening, Session } from "../shard/connections/session.ts";
import type { Core, Front, Service } from "../shard/front.ts";
import type { Frame } from "../shard/frame.ts";
import { Client } from "./client.ts";
import { clusterWork } from "./cluster-work.ts";
import { REASONS } from "./codes.ts";
import { encodeHandshake, parseEnginePacket } from "./engine.ts";
import { Heartbeat } from "./heartbeat.ts";
import { countNamespaces, decodeInspection, inspect } from "./inspection.ts";
import { FRONT, newSocketId } from "./names.ts";
import { Namespaces } from "./namespaces.ts";
import { randomText } from "./random-text.ts";
import { Polling, type PollingRequest } from "./polling.ts";
import { PollingPeer } from "./polling-peer.ts";
import type { AllHandlers } from "./registry.ts";
import { Recovery } from "./recovery/recovery.ts";
import { ReachedRooms } from "./reached-rooms.ts";
import { ShardSockets } from "./shard-sockets.ts";
import { describeMember } from "./shared-rooms.ts";
import { SocketIndex } from "./socket-index.ts";
import type { HandshakeInfo, State } from "./state.ts";
import { Upgrade } from "./upgrade.ts";
import { SocketWire } from "./wire.ts";

/** The front of stock Socket.IO clients. */
export function socketioFront(server: AllHandlers): Front {
  const wire = new SocketWire();
  return {
    name: FRONT,
    wire,
    isWithoutBroadcast: true,
    describe: describeMember,
    configure: (config) => {
      const { socketio, times } = config.cluster;
      const { pingIntervalMs = times.pingIntervalMs, pingTimeoutMs: pongTimeoutMs } = socketio;
      return {
        ...config,
        cluster: { ...config.cluster, times: { ...times, pingIntervalMs, pongTimeoutMs } },
      };
    },
    staysAwake: (config) => config.cluster.socketio.heartbeat === "timer",
    serve: (core) => serveClients(core, { wire, server }),
  };
}

function serveClients(
  core: Core,
  { wire, server }: { readonly wire: SocketWire; readonly server: AllHandlers },
): Service {
  const { callFailed: onFailed, config, connections, env, publisher, shard, subscriptions } = core;
  const { frameBytes } = config.cluster.limits;
  const clients = new WeakMap<Session, Client>();
  const index = new SocketIndex(connections.sessions);
  const recovery = Recovery.of({ core, wire, index });
  const namespaces = new Namespaces(core, server, { index, recovery, wire });
  const answer = (question: string): Promise<string> => sockets.answer(question);
  const here = { shard, answer };
  const { isShard, members: shards } = core;
  const cluster = clusterWork({ env, publisher, config, shards, isShard, here, onFailed });
  const reached = new ReachedRooms();
  const clientOf = (session: Session): Client => {
    const known = clients.get(session);
    if (known !== undefined) return known;
    const client = new Client(session, {
      core,
      cluster,
      recovery,
      reached,
      disconnect: (one, nsp, how) => namespaces.disconnect(one, nsp, how),
    });
    clients.set(session, client);
    return client;
  };
  const heartbeat = new Heartbeat(connections, config.cluster);
  const upgrade = new Upgrade(connections, heartbeat);
  const polling = new Polling(core, upgrade);
  const ofSockets = { connections, subscriptions, wire, clientOf, namespaces, index, server, cluster };
  const sockets = new ShardSockets({ ...ofSockets, recovery });

  const read = async (session: Session, data: Frame): Promise<void> => {
    const client = clientOf(session);
    const result = client.reader.read(data);
    if (result.kind === "invalid") return connections.end(session, "badRequest");
    if (result.kind === "packet") await namespaces.receive(client, result.packet);
  };

  /** A connection begins: gives it its state, and sends the handshake. */
  const begin = (session: Session): void => {
    const { attachment } = session;
    const state: State = {
      sid: newSocketId(shard, randomText(15)),
      handshake: (attachment.ofFront ?? { query: {}, headers: {}, address: "" }) as HandshakeInfo,
      members: new Map(),
    };
    const opening = { ...attachment, ofFront: state };
    if (!connections.sessions.remember(session, opening)) {
      // Its token leaves no room for more. Its end needs the state.
      session.attachment = opening;
      return connections.end(session, "insufficientState");
    }
    polling.began(session);
    wire.belongs(session, connections);
    heartbeat.begin(session);
    const handshake = encodeHandshake({
      sid: state.sid,
      upgrades: session.socket instanceof PollingPeer ? ["websocket"] : [],
      pingInterval: config.cluster.times.pingIntervalMs,
      pingTimeout: config.cluster.socketio.pingTimeoutMs,
      maxPayload: frameBytes,
    });
    connections.send(session, handshake);
  };
  let anySocket: WebSocket | undefined;

  return {
    accepted: begin,
    open: (opening: Opening) => {
      anySocket ??= new WebSocketPair()[0];
      const peer = new PollingPeer(anySocket);
      begin(connections.add(peer, opening));
      return peer.poll();
    },
    request: (word, request) => polling.request(word as PollingRequest, request),
    stranger: (socket, frame) => upgrade.take(socket, frame),
    woke: (session) => {
      wire.belongs(session, connections);
      heartbeat.begin(session);
    },
    frame: async (session, frame) => {
      if (typeof frame !== "string") return read(session, frame);
      const packet = parseEnginePacket(frame);
      switch (packet?.kind) {
        case "message":
        case "binary":
          return read(session, packet.data);
        case "close":
          if (session.socket instanceof PollingPeer) session.socket.closedByClient();
          return connections.close(session, { code: 1000, reason: "" });
        case undefined:
        case "ping":
          // Pings go from the server to the client.
          return connections.end(session, "badRequest");
        case "pong":
          return heartbeat.answered(session);
        case "open":
        case "upgrade":
        case "noop":
          return;
      }
    },
    ended: (session, why) => {
      heartbeat.end(session);
      polling.ended(session, why);
      namespaces.ended(clientOf(session), why === undefined ? "transport close" : REASONS[why]);
    },
    answer: async (question) => {
      const inspection = decodeInspection(question);
      return inspection === undefined ? answer(question) : inspect(subscriptions, inspection);
    },
    vitals: () => ({ namespaces: countNamespaces(subscriptions) }),
    ...(recovery === undefined
      ? {}
      : {
          encodeBatch: (batch) => recovery.delivery.encodeBatch(batch),
          run: (now) => recovery.run(now),
        }),
  };
}
