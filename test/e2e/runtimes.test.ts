import { afterEach, describe, expect, test } from "vitest";
import { startBareCluster, type BareCluster } from "../support/bare-workerd.ts";
import { RawClient } from "../support/raw-client.ts";

const KEY = "an-api-key-of-16";
const BINDINGS = {
  API_KEY: KEY,
  RINGCAST: {
    anonymous: true,
    insecure: true,
    limits: { queuedBytes: 65_536, slowReaderGraceMs: 300, commandsPerSecond: 10, commandBurst: 100 },
  },
  RINGCAST_NS_DEFAULT: {
    allow_subscribe_for_client: true,
    allow_subscribe_for_anonymous: true,
  },
};

let cluster: BareCluster | undefined;
afterEach(() => cluster?.stop());

// The pinned runtime does not count queued bytes (docs/platform.md P6), and a newer one does.
describe.each(["workerd", "workerd-next"] as const)("on the runtime %s", (runtime) => {
  async function start() {
    cluster = await startBareCluster(BINDINGS, { runtime });
    const { host } = cluster;
    const enter = async (): Promise<RawClient> => {
      const client = await RawClient.connect(`ws://${host}/connection/websocket?key=ann`);
      await client.ask({ id: 2, subscribe: { channel: "room" } });
      return client;
    };
    const publish = async (data: string): Promise<void> => {
      const response = await fetch(`http://${host}/api/publish`, {
        method: "POST",
        headers: { "x-api-key": KEY },
        body: JSON.stringify({ channel: "room", data }),
      });
      expect(await response.json()).toEqual({ result: {} });
    };
    /** The first character of the next publication that a client hears. */
    const heard = async (client: RawClient): Promise<string> => {
      for (;;) {
        const { push } = await client.next();
        if (push?.pub !== undefined) return push.pub.data[0];
      }
    };
    return { enter, publish, heard };
  }

  test("[SE4] a frame that is larger than the bound closes no reader that reads", async () => {
    const { enter, publish, heard } = await start();
    const reader = await enter();
    for (let n = 0; n < 10; n++) {
      await publish(`${n}${"x".repeat(300_000)}`);
      expect(await heard(reader)).toBe(String(n));
    }
  });

  test("[SE4] [BD28] a reader that stops to read is closed with 3008, and the other hears everything", async () => {
    const { enter, publish, heard } = await start();
    const [slow, reader] = [await enter(), await enter()];
    let isClosed = false;
    void slow.closed.then(() => (isClosed = true));
    slow.socket.pause();
    // The kernels of both ends hold some megabytes before the runtime does.
    for (let n = 0; n < 40; n++) {
      await publish(`${n % 10}${"x".repeat(600_000)}`);
      expect(await heard(reader)).toBe(String(n % 10));
    }
    expect(isClosed).toBe(false);
    slow.socket.resume();
    expect((await slow.closed).code).toBe(3008);
  });

  test("[BD23] a client that floods is closed with 3013, and another one is answered", async () => {
    const { enter } = await start();
    const [flooding, witness] = [await enter(), await enter()];
    for (let n = 0; n < 2_000; n++) flooding.socket.send("{} ");
    expect((await flooding.closed).code).toBe(3013);
    expect((await witness.ask({ id: 3, rpc: {} }))["error"].code).toBe(108);
  });
});
