import type { Config } from "../config/config.ts";
import { shardAddress, type ShardAddress } from "../contracts/address.ts";
import { CONTRACT } from "../contracts/version.ts";
import { coordinatorStub, shardStub, within } from "../platform/calls.ts";
import { configOf } from "../platform/config.ts";
import { channelPublisher } from "../platform/publisher.ts";
import { Broadcaster, type Target } from "./broadcaster.ts";
import { FRONT } from "./names.ts";
import { publishWith } from "./publish.ts";
import { encodeQuestion, type Question, type RemoteSocket } from "./question.ts";
import type { AnyEvents, Events } from "./types.ts";

/** How long a shard has for its answer about its sockets. */
const ASK_MS = 5_000;

/**
 * The Socket.IO server as any code of the Worker sees it: a handler of requests, a hook, a consumer of a queue. MUST be
 * made for each request, as requests share no promises.
 */
export function socketioOf<Emit extends Events = AnyEvents>(env: Cloudflare.Env): SocketServer<Emit> {
  const config: Config = configOf(env);
  let members: Promise<readonly Pick<ShardAddress, "region" | "id">[]> | undefined;
  const shards = () =>
    (members ??= coordinatorStub(env)
      .descriptor(CONTRACT)
      .then((descriptor) => descriptor.shards));
  const publish = publishWith({
    env,
    publisher: channelPublisher(env, config.cluster.times.deliveryTimeoutMs),
    config,
    isMember: async (named) =>
      (await shards()).some(({ region, id }) => region === named.region && id === named.id),
  });
  const ask = async (question: Question): Promise<unknown[]> =>
    Promise.all(
      (await shards()).map(async (shard) => {
        const stub = shardStub(env, shardAddress(FRONT, shard));
        return JSON.parse(await within(ASK_MS, stub.askFront(encodeQuestion(question), CONTRACT))) as unknown;
      }),
    );
  const of = (nsp: string): SocketServer<Emit> =>
    Object.assign(new Broadcaster<Emit>(publish, { nsp, rooms: [], except: [] }), {
      of,
      sockets: (target: Partial<Omit<Target, "nsp">> = {}) =>
        socketsOf(ask, { rooms: [], except: [], ...target, nsp }),
    });
  return of("/");
}

export type SocketServer<Emit extends Events> = Broadcaster<Emit> & {
  /** Another namespace. */
  of(nsp: string): SocketServer<Emit>;
  /** The sockets in some rooms, or all of the namespace: asks every shard. */
  sockets(target?: Partial<Omit<Target, "nsp">>): Sockets;
};

/** Sockets anywhere in the cluster. Each call asks every shard, and rejects where one does not answer within 5 s. */
export type Sockets = {
  fetch(): Promise<readonly RemoteSocket[]>;
  join(room: string): Promise<void>;
  leave(room: string): Promise<void>;
  disconnect(how?: { readonly close?: boolean }): Promise<void>;
};

function socketsOf(ask: (question: Question) => Promise<unknown[]>, target: Target): Sockets {
  return {
    fetch: async () => ((await ask({ kind: "fetch", ...target })) as RemoteSocket[][]).flat(),
    join: async (room) => void (await ask({ kind: "join", to: [room], ...target })),
    leave: async (room) => void (await ask({ kind: "leave", to: [room], ...target })),
    disconnect: async ({ close = false } = {}) => void (await ask({ kind: "disconnect", close, ...target })),
  };
}
