import { afterEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { eventually, startCluster, type Cluster } from "../support/cluster.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

/** A connection that waits for its answer. */
class Upgrade {
  readonly socket: WebSocket;
  status: number | undefined;

  constructor(endpoint: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(endpoint, { headers });
    this.socket.on("unexpected-response", (_, response) => (this.status = response.statusCode));
    this.socket.on("upgrade", () => (this.status = 101));
    this.socket.on("error", () => {});
  }

  answered(): Promise<number> {
    return eventually(() => this.status);
  }
}

describe("[EL60] an error of the cluster is answered late", () => {
  test("of many refused upgrades a bounded number waits, and the error of a client does not wait", async () => {
    cluster = await startCluster({
      cluster: {
        development: false,
        shards: { initial: 1 },
        limits: { sessionsPerShard: 1, lateErrors: 20 },
        times: { lateErrorMs: 30_000 },
      },
    });
    const endpoint = cluster.endpoint("full");
    const first = new Upgrade(endpoint);
    expect(await first.answered()).toBe(101);
    const refused = Array.from({ length: 30 }, () => new Upgrade(endpoint));
    const answers = () => refused.flatMap(({ status }) => status ?? []);
    // A half of the bound is a burst of answers that wait, each up to half a minute.
    await eventually(() => answers().length >= 20);
    expect(answers()).toEqual(answers().map(() => 503));
    expect(await new Upgrade(`${endpoint}&format=protobuf`).answered()).toBe(400);
    expect(await new Upgrade(endpoint, { origin: "https://elsewhere.example" }).answered()).toBe(403);
    expect(answers().length).toBeLessThan(30);
    // Clients that leave before their answer hold up nobody.
    for (const { socket } of [first, ...refused]) socket.terminate();
    await eventually(async () => (await new Upgrade(endpoint).answered()) === 101);
  });
});
