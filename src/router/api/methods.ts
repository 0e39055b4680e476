import { fail, ok } from "./answer.ts";
import { method, type Method } from "./call.ts";
import { broadcast, publish } from "./publish.ts";
import * as reads from "./reads.ts";
import * as schema from "./schemas.ts";
import { send } from "./send.ts";
import * as users from "./users.ts";

/** The methods of the server API: Centrifugo's, so that its server libraries work unchanged, and our `send`. */
export const METHODS: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    publish: method({
      summary: "Publish to a channel",
      params: schema.publishParams,
      result: schema.publishResult,
      run: publish,
    }),
    broadcast: method({
      summary: "Publish the same to many channels",
      params: schema.broadcastParams,
      result: schema.broadcastResult,
      run: broadcast,
    }),
    send: method({
      summary: "Send a message to every session of one user or of several, at most once",
      params: schema.sendParams,
      result: schema.sendResult,
      run: send,
    }),
    subscribe: method({
      summary: "Subscribe every session of a user to a channel",
      params: schema.subscribeParams,
      result: schema.empty,
      run: users.subscribe,
    }),
    unsubscribe: method({
      summary: "Unsubscribe every session of a user from a channel",
      params: schema.unsubscribeParams,
      result: schema.empty,
      run: users.unsubscribe,
    }),
    disconnect: method({
      summary: "Close every session of a user; its clients stay away unless the code says otherwise",
      params: schema.disconnectParams,
      result: schema.empty,
      run: users.disconnect,
    }),
    refresh: method({
      summary: "Set when the sessions of a user run out",
      params: schema.refreshParams,
      result: schema.empty,
      run: users.refresh,
    }),
    presence: method({
      summary: "Who listens to a channel",
      reads: true,
      params: schema.channelParams,
      result: schema.presenceResult,
      run: reads.presence,
    }),
    presence_stats: method({
      summary: "How many listen to a channel",
      reads: true,
      params: schema.channelParams,
      result: schema.presenceStatsResult,
      run: reads.presenceStats,
    }),
    history: method({
      summary: "What a channel keeps",
      reads: true,
      params: schema.historyParams,
      result: schema.historyResult,
      run: reads.history,
    }),
    history_remove: method({
      summary: "Drop what a channel keeps; its offset goes on from where it is",
      params: schema.channelParams,
      result: schema.empty,
      run: reads.removeHistory,
    }),
    channels: method({
      summary: "The channels that have listeners",
      reads: true,
      params: schema.channelsParams,
      result: schema.channelsResult,
      run: reads.channels,
    }),
    info: method({
      summary: "The shards, as Centrifugo shows its nodes",
      reads: true,
      params: schema.empty,
      result: schema.infoResult,
      run: reads.info,
    }),
    rpc: method({
      summary: "Call a method of the application; there are none here",
      params: schema.rpcParams,
      result: schema.rpcResult,
      run: () => Promise.resolve(fail("methodNotFound")),
    }),
    batch: method({
      summary: "Several commands in one request, one after the other or in parallel",
      reads: true,
      params: schema.batchParams,
      result: schema.batchResult,
      // Each command has its own permission; see run-method.ts.
      run: () => Promise.resolve(ok({ replies: [] })),
    }),
  }),
);

/** Numbers that the oldest server libraries use in place of names. */
export const METHOD_NUMBERS = [
  "publish",
  "broadcast",
  "unsubscribe",
  "disconnect",
  "presence",
  "presence_stats",
  "history",
  "history_remove",
  "channels",
  "info",
  "rpc",
  "subscribe",
  "refresh",
] as const;
