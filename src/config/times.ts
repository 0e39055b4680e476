import * as z from "zod";
import { count } from "./count.ts";

/** How long the parts of a cluster wait, in ms. */
export const timesSchema = z
  .strictObject({
    // Centrifugo's ping and pong (docs/protocol.md C17, C29).
    pingIntervalMs: count(1_000, 300_000).default(25_000),
    // A client that has not answered a ping for this long is closed with 3012.
    pongTimeoutMs: count(500, 60_000).default(8_000),
    // A connection without a `connect` command for this long is closed with 3502 (docs/protocol.md C9).
    staleConnectionMs: count(500, 120_000).default(10_000),
    // A client may refresh an expired token for this long (docs/protocol.md C17).
    expiredGraceMs: count(500, 300_000).default(25_000),
    // A shard gathers joins and leaves for this long and tells the channel of all of them in one call.
    joinLeaveBatchMs: count(0, 5_000).default(100),
    // A channel holds the leave of a session that moves. A stock client comes back in 0.5 to 1 s after its close
    // (docs/protocol.md C35).
    movedLeaveHoldMs: count(0, 60_000).default(5_000),
    // A call to another object has failed after this time.
    deliveryTimeoutMs: count(500, 60_000).default(10_000),
    // A shard answers `presence` from memory for this long.
    presenceCacheMs: count(0, 10_000).default(1_000),
    // Each shard reports its load to the coordinator this often.
    healthReportMs: count(1_000, 3_600_000).default(60_000),
    // An upgrade for which the cluster has no room, or whose shard does not answer, is refused after a random time up to
    // this one, so that clients do not come back as one. 0: at once.
    lateErrorMs: count(0, 30_000).default(2_000),
    // Between two checks of a region that may be down, and how long its shards have to answer one. A region is down
    // after three; it comes back after ten at the earliest (SPEC EL41, EL43).
    regionCheckMs: count(100, 60_000).default(3_000),
    // A hook that takes longer has failed (SPEC HK2).
    hookTimeoutMs: count(10, 60_000).default(5_000),
    // A channel is vacated after this time without a listener. A move takes the listeners away for 0.5 to 1 s
    // (docs/protocol.md C35).
    vacatedGraceMs: count(0, 300_000).default(5_000),
  })
  .prefault({});
