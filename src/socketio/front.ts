import { addressKey } from "../contracts/address.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Core, Front, Service } from "../shard/front.ts";
import type { Frame } from "../shard/frame.ts";
import { Client } from "./client.ts";
import { clusterWork } from "./cluster-work.ts";
import { REASONS } from "./codes.ts";
import { encodeHandshake, parseEnginePacket } from "./engine.ts";
import { FRONT } from "./names.ts";
import { Namespaces, randomText } from "./namespaces.ts";
import type { AllHandlers } from "./registry.ts";
import { ShardSockets } from "./shard-sockets.ts";
import { describeSocket } from "./shared-rooms.ts";
import { SocketIndex } from "./socket-index.ts";
import type { HandshakeInfo, State } from "./state.ts";
import { SocketWire } from "./wire.ts";

/** A client waits so long for a ping that is late. The alarm of a busy shard is late by seconds. */
const PING_TIMEOUT_MS = 20_000;

/** The front of stock Socket.IO clients. */
export function socketioFront(server: AllHandlers): Front {
  const wire = new SocketWire();
  return {
    name: FRONT,
    wire,
    isWithoutBroadcast: true,
    describe: describeSocket,
    serve: (core) => serveClients(core, { wire, server }),
  };
}

function serveClients(
  core: Core,
  { wire, server }: { readonly wire: SocketWire; readonly server: AllHandlers },
): Service {
  const { config, connections, env, publisher, shard, subscriptions } = core;
  const { frameBytes } = config.cluster.limits;
  const clients = new WeakMap<Session, Client>();
  const index = new SocketIndex(connections.sessions);
  const namespaces = new Namespaces(core, server, index);
  const answer = (question: string): Promise<string> => sockets.answer(question);
  const here = { shard, answer };
  const cluster = clusterWork({ env, publisher, config, shards: core.members, here });
  const clientOf = (session: Session): Client => {
    const known = clients.get(session);
    if (known !== undefined) return known;
    const client = new Client(session, {
      core,
      cluster,
      disconnect: (one, nsp, how) => namespaces.disconnect(one, nsp, how),
    });
    clients.set(session, client);
    return client;
  };
  const sockets = new ShardSockets({ connections, subscriptions, wire, clientOf, namespaces, index });

  const read = async (session: Session, data: Frame): Promise<void> => {
    const client = clientOf(session);
    const result = client.reader.read(data);
    if (result.kind === "invalid") return connections.end(session, "badRequest");
    if (result.kind === "packet") await namespaces.receive(client, result.packet);
  };

  return {
    accepted: (session) => {
      const { attachment } = session;
      const state: State = {
        sid: `${addressKey(shard)}~${randomText()}`,
        handshake: (attachment.ofFront ?? { query: {}, headers: {}, address: "" }) as HandshakeInfo,
        members: new Map(),
      };
      const opening = { ...attachment, ofFront: state };
      if (!connections.sessions.remember(session, opening)) {
        // Its token leaves no room for more. Its end needs the state.
        session.attachment = opening;
        return connections.end(session, "insufficientState");
      }
      const { sid } = state;
      const pingInterval = config.cluster.times.pingIntervalMs;
      const timing = { pingInterval, pingTimeout: PING_TIMEOUT_MS };
      connections.send(session, encodeHandshake({ sid, upgrades: [], ...timing, maxPayload: frameBytes }));
    },
    frame: async (session, frame) => {
      if (typeof frame !== "string") return read(session, frame);
      const packet = parseEnginePacket(frame);
      switch (packet?.kind) {
        case "message":
        case "binary":
          return read(session, packet.data);
        case "close":
          return connections.close(session, { code: 1000, reason: "" });
        case undefined:
        case "ping":
          // Pings go from the server to the client.
          return connections.end(session, "badRequest");
        case "open":
        case "pong":
        case "upgrade":
        case "noop":
          return;
      }
    },
    ended: (session, why) =>
      namespaces.ended(clientOf(session), why === undefined ? "transport close" : REASONS[why]),
    answer,
  };
}
