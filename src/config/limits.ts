import * as z from "zod";
import { count } from "./count.ts";

/** The limits of clients, shards and the server API. A client over a limit gets a code from the one table (SPEC SE3). */
export const limitsSchema = z
  .strictObject({
    // The bytes of one frame of a client; above that the connection is closed with 1009. Centrifugo's default
    // (docs/protocol.md C17).
    frameBytes: count(1024, 1_048_576).default(65_536),
    // The subscriptions of one client. Centrifugo's default.
    channelsPerClient: count(1, 512).default(128),
    // The bytes of a channel's name. Centrifugo's default.
    channelBytes: count(16, 1024).default(255),
    // The key is part of each socket's attachment, which holds 16 KiB (docs/platform.md P2).
    keyBytes: count(16, 1024).default(256),
    // A client may send a burst of commands, and then so many a second. The SDK subscribes to all its channels in
    // the frame of its `connect` (docs/protocol.md C10), so the burst is larger than `channelsPerClient`.
    commandsPerSecond: count(1, 10_000).default(100),
    // The commands that a client may send at once.
    commandBurst: count(1, 20_000).default(512),
    // A frame costs a token before it waits, and one more for each so many bytes (SPEC BD23). A client has twice as
    // many of these tokens as it may send commands.
    frameTokenBytes: count(256, 1_048_576).default(4_096),
    // The frames of one client that wait for the frame before them. A slow hook makes them wait.
    waitingFrames: count(1, 20_000).default(1_024),
    // The bytes of the frames that wait.
    waitingBytes: count(1_024, 67_108_864).default(1_048_576),
    // The channels that are new to a client, in a minute: each new name may be a new object (SPEC BD27). After a
    // reconnect the SDK subscribes to all its channels at once, and so many are always there.
    newChannelsPerMinute: count(1, 100_000).default(300),
    // The open connections of one user; above that one is closed with 3504 (SPEC BD25). It is a limit for each shard,
    // and exact where `affinity.userIsKey` is on and nothing spills.
    connectionsPerUser: z
      .strictObject({
        // 0: any number.
        max: count(0, 10_000).default(0),
        // `refuse` closes the new connection, `replace` the oldest.
        over: z.enum(["refuse", "replace"]).default("refuse"),
      })
      .prefault({}),
    // An object takes 32,768 sockets, and its memory usually ends first (docs/platform.md P1, P24).
    sessionsPerShard: count(1, 32_000).default(20_000),
    // An object answers 500 to 1,000 events a second, and a connection is several events (docs/platform.md P23).
    upgradesPerSecond: count(1, 10_000).default(400),
    // The connections that a shard takes at once, before the rate counts.
    upgradeBurst: count(1, 20_000).default(1_600),
    // The bytes that wait for one client; above that it is closed with 3008. Centrifugo's `queue_max_size`
    // (docs/protocol.md C17). The runtime itself has no limit (docs/platform.md P5).
    queuedBytes: count(16_384, 67_108_864).default(1_048_576),
    // All readers of a shard together may leave so many bytes unread; an isolate has 128 MB (docs/platform.md P24).
    queuedBytesPerShard: count(1_048_576, 1_073_741_824).default(33_554_432),
    // Centrifugo's `recovery_max_publication_limit` and `history_max_publication_limit` (docs/protocol.md C17).
    recoveryMaxPublications: count(1, 10_000).default(300),
    // The publications in one answer to `history`.
    historyMaxPublications: count(1, 10_000).default(300),
    // The publications of a resume travel in one frame, and so does what a shard asks a log for (docs/platform.md P28).
    resumeBytes: count(65_536, 8_388_608).default(4_194_304),
    // The memory of one shard for publications that it has delivered, over all channels (SPEC DL6).
    tailBytes: count(0, 67_108_864).default(8_388_608),
    // The bytes of one request to the server API.
    apiBodyBytes: count(1_024, 33_554_432).default(4_194_304),
    // The commands, channels or users of one request to the server API. Each of them is a call to an object, and an
    // invocation may make 1,000 such calls on the free plan (docs/platform.md P30).
    apiCommands: count(1, 1_000).default(500),
    // About the bytes of the answers of one request. The commands that read and come after them are refused with 106.
    apiAnswerBytes: count(65_536, 67_108_864).default(33_554_432),
    // The clients in one answer to `presence`, and about their bytes: a client gets the answer in one frame, and objects
    // in one call (docs/platform.md P28). They are counted in characters, of which one takes up to two bytes in a call.
    // A larger presence is refused with 106; `presence_stats` counts any.
    presenceClients: count(1, 100_000).default(10_000),
    // About the bytes of one answer to `presence`, in characters.
    presenceBytes: count(65_536, 8_388_608).default(4_194_304),
    // The names in one answer to `channels`.
    channelNames: count(1, 100_000).default(10_000),
    // The events that wait in one object for one receiver, a hook or the webhook (SPEC BD60). Each session of a shard
    // may end once while the receiver is away, and come back.
    queuedEvents: count(10, 1_000_000).default(50_000),
    // The bytes of the events that wait.
    queuedEventBytes: count(4_194_304, 1_073_741_824).default(67_108_864),
    // The refusals of upgrades that wait in one isolate of the router (`times.lateErrorMs`); more are answered at once.
    lateErrors: count(1, 100_000).default(1_000),
    // Where the runtime cannot count queued bytes (docs/platform.md P6), the shard sends a probe to a slow reader.
    // The reader has this long to answer the probe.
    slowReaderGraceMs: count(100, 60_000).default(5_000),
  })
  .prefault({});
