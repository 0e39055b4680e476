/**
 * Publishes, and kills the server (SIGKILL, with its workerd) as soon as the answer is there. Each acknowledged
 * publication must be in the log of the next server. The exit status is 1 if one is lost.
 */
import { parseArgs } from "node:util";
import { RawClient } from "../support/raw-client.ts";
import { Server } from "./server.ts";

const { values } = parseArgs({ options: { tries: { type: "string", default: "200" } } });
const TRIES = Number(values.tries);
const CHANNEL = "kept:kill";

const server = await Server.start({
  API_KEY: "an-api-key-to-kill",
  RINGCAST: { insecure: true, anonymous: true, shards: { initial: 1 } },
  RINGCAST_NS_kept: { history_size: 100_000, history_ttl: "24h", force_recovery: true },
});
const endpoint = `${server.url.replace("http", "ws")}/connection/websocket?key=a`;
const lost: number[] = [];
try {
  for (let n = 1; n <= TRIES; n++) {
    const client = await RawClient.connect(endpoint);
    const reply = await client.ask({ id: 2, publish: { channel: CHANNEL, data: n } });
    if (reply["publish"] === undefined) throw new Error(JSON.stringify(reply));
    await server.killAndRestart();
    const reader = await RawClient.connect(endpoint);
    const { history } = await reader.ask({ id: 2, history: { channel: CHANNEL, limit: 1, reverse: true } });
    const [newest] = history.publications;
    if (newest?.data !== n || newest.offset !== n - lost.length) lost.push(n);
    reader.close();
    process.stdout.write(`\r${n} of ${TRIES} kills, ${lost.length} publications lost `);
  }
} finally {
  server.stop();
}
console.log();
process.exit(lost.length > 0 ? 1 : 0);
