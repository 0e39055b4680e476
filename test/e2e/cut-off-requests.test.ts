import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startBareCluster, type BareCluster } from "../support/bare-workerd.ts";

let cluster: BareCluster | undefined;
afterEach(() => cluster?.stop());

/** A session of a shard that is not in the ring. */
const PATH = `/socket.io/?EIO=4&transport=polling&sid=auto.auto-99~${"x".repeat(20)}`;
/** So that the second request comes while the first is asking, and the first ends before it has an answer. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));

test("[SO21] a request does not wait for one that was cut off while it asked for the ring", async () => {
  cluster = await startBareCluster(
    { RINGCAST: { anonymous: true } },
    {
      source: "slow-coordinator",
      entry: join(import.meta.dirname, "../support/entries/slow-coordinator.ts"),
      classes: {
        SHARD: "Shard",
        SHARD_SOCKETIO: "SocketIoShard",
        CHANNEL: "Channel",
        COORDINATOR: "Coordinator",
      },
    },
  );
  const { host } = cluster;
  const first = connect(Number(host.split(":")[1]), "127.0.0.1");
  first.on("error", () => undefined);
  await once(first, "connect");
  first.write(`GET ${PATH} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  await pause();
  const second = fetch(`http://${host}${PATH}`, { signal: AbortSignal.timeout(20_000) });
  await pause();
  first.resetAndDestroy();
  const answer = await second;
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("Session ID unknown")]);
});
