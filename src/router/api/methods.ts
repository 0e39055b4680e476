import { channels, info } from "./cluster-reads.ts";
import { history, removeHistory } from "./history.ts";
import { method, type Method } from "./method.ts";
import { presence, presenceStats } from "./presence.ts";
import { broadcast, publish } from "./publish.ts";
import { batchParams, batchResult, rpcParams, rpcResult } from "./schemas/commands.ts";
import { channelParams, empty, noParams } from "./schemas/fields.ts";
import * as publishing from "./schemas/publish.ts";
import * as reading from "./schemas/reads.ts";
import { sendParams, sendResult } from "./schemas/send.ts";
import * as ofUsers from "./schemas/users.ts";
import { send } from "./send.ts";
import * as users from "./users.ts";

/** The methods of the server API: those of Centrifugo, so that its libraries work unchanged, and `send`. */
export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>(
  Object.entries({
    publish: method({
      summary: "Publish to a channel",
      params: publishing.publishParams,
      result: publishing.publishResult,
      run: publish,
    }),
    broadcast: method({
      summary: "Publish the same data to many channels",
      params: publishing.broadcastParams,
      result: publishing.broadcastResult,
      run: broadcast,
    }),
    send: method({
      summary: "Send a message to every session of one or more users, at most once",
      params: sendParams,
      result: sendResult,
      run: send,
    }),
    subscribe: method({
      summary: "Subscribe every session of a user to a channel",
      params: ofUsers.subscribeParams,
      result: empty,
      run: users.subscribe,
    }),
    unsubscribe: method({
      summary: "Unsubscribe every session of a user from a channel",
      params: ofUsers.unsubscribeParams,
      result: empty,
      run: users.unsubscribe,
    }),
    disconnect: method({
      summary: "Close every session of a user; the code decides whether its clients reconnect",
      params: ofUsers.disconnectParams,
      result: empty,
      run: users.disconnect,
    }),
    refresh: method({
      summary: "Set the time at which the sessions of a user expire",
      params: ofUsers.refreshParams,
      result: empty,
      run: users.refresh,
    }),
    presence: method({
      summary: "List the clients that are subscribed to a channel",
      reads: true,
      params: channelParams,
      result: reading.presenceResult,
      run: presence,
    }),
    presence_stats: method({
      summary: "Count the clients that are subscribed to a channel",
      reads: true,
      params: channelParams,
      result: reading.presenceStatsResult,
      run: presenceStats,
    }),
    history: method({
      summary: "Read the publications that a channel keeps",
      reads: true,
      params: reading.historyParams,
      result: reading.historyResult,
      run: history,
    }),
    history_remove: method({
      summary: "Drop the publications that a channel keeps; its offsets continue",
      params: channelParams,
      result: empty,
      run: removeHistory,
    }),
    channels: method({
      summary: "List the channels that have subscribers",
      reads: true,
      params: reading.channelsParams,
      result: reading.channelsResult,
      run: channels,
    }),
    info: method({
      summary: "List the shards in the form of Centrifugo's nodes",
      reads: true,
      params: noParams,
      result: reading.infoResult,
      run: info,
    }),
    rpc: {
      kind: "absent",
      summary: "Call a method of the application; this server has none, and answers error 104",
      reads: false,
      params: rpcParams,
      result: rpcResult,
    },
    batch: {
      kind: "batch",
      summary: "Carry out several commands of one request, in order or in parallel",
      reads: true,
      params: batchParams,
      result: batchResult,
    },
  } satisfies Record<string, Method>),
);

/** The methods by the number that the oldest server libraries use in place of the name (docs/protocol.md C43). */
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
