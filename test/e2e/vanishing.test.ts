import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { eventually, startCluster, type Cluster } from "../support/cluster.ts";
import { DeafPeer } from "../support/deaf-peer.ts";
import { RawClient } from "../support/raw-client.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

const deafPeers = (count: number, endpoint: string): Promise<DeafPeer[]> =>
  Promise.all(Array.from({ length: count }, async () => (await DeafPeer.open(endpoint)).peer));

/** The sockets that workerd holds, over all of its processes that this test has started. */
function socketHandles(): number {
  const parents = new Map<string, string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/stat`, "utf8");
      parents.set(pid, status.slice(status.lastIndexOf(")") + 2).split(" ")[1] ?? "");
    } catch {
      // It has ended.
    }
  }
  const isOurs = (pid: string): boolean => {
    for (let at: string | undefined = pid; at !== undefined && at !== "0"; at = parents.get(at))
      if (at === String(process.pid)) return true;
    return false;
  };
  let count = 0;
  for (const pid of parents.keys()) {
    if (!isOurs(pid)) continue;
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("workerd")) continue;
      for (const handle of readdirSync(`/proc/${pid}/fd`))
        if (readlinkSync(`/proc/${pid}/fd/${handle}`).startsWith("socket:")) count += 1;
    } catch {
      // It has ended, or a handle has been closed.
    }
  }
  return count;
}

describe("[BD20] clients that vanish free everything", () => {
  // The system tells the file handles of a process only here.
  test.runIf(process.platform === "linux")(
    "100 clients that reset their connections leave no socket and no file handle on a busy shard",
    async () => {
      cluster = await startCluster();
      const endpoint = cluster.endpoint("busy");
      const witness = await RawClient.connect(endpoint);
      await witness.ask({ id: 2, subscribe: { channel: "room" } });
      await (await RawClient.connect(endpoint)).ask({ id: 2, subscribe: { channel: "room" } });
      const before = socketHandles();
      const peers = await deafPeers(100, endpoint);
      for (const peer of peers) peer.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"room"}}');
      let id = 2;
      const members = async () =>
        (await witness.ask({ id: ++id, presence_stats: { channel: "room" } }))["presence_stats"].num_clients;
      await eventually(async () => (await members()) === 102);
      expect(socketHandles()).toBeGreaterThanOrEqual(before + 100);
      for (const peer of peers) peer.vanish();
      // The witness keeps the shard awake, so nothing here is freed by a sleep.
      await eventually(async () => (await members()) === 2);
      await eventually(async () => {
        await members();
        return socketHandles() <= before + 2;
      });
    },
  );
});

describe("[BD22] sockets are counted as the platform counts them", () => {
  test("peers that never answer a close do not pass the limit, and a place is free once they have gone", async () => {
    cluster = await startCluster({ cluster: { limits: { sessionsPerShard: 2 } } });
    const endpoint = cluster.endpoint("popular");
    const peers: DeafPeer[] = [];
    // Three owners take two each.
    for (let n = 0; n < 6; n++) {
      const [peer] = await deafPeers(1, endpoint);
      if (peer !== undefined) peers.push(peer);
      peer?.send("{broken");
      await eventually(() => peer?.closeCode === 3501);
    }
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    expect(shards.map(({ sessions }: any) => sessions)).toEqual([0, 0, 0, 0]);
    await expect(deafPeers(1, endpoint)).rejects.toThrow("503");
    for (const peer of peers) peer.vanish();
    await eventually(async () => {
      try {
        (await RawClient.open(endpoint)).close();
        return true;
      } catch {
        return false;
      }
    });
  });
});
