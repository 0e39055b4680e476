/** A day of a cluster without traffic, in virtual time; prints what its objects did, as JSON. */
import { register } from "./register.ts";

const MINUTE_MS = 60_000;
/** Reports, moves and positions of the beginning are through. */
const SETTLED_MS = 10 * MINUTE_MS;
const PERIODS = 3_456;

register();
const { createRingcast } = await import("../../src/ringcast.ts");
const { Deployment } = await import("../fixtures/deployment.ts");

const deployment = new Deployment(createRingcast);
const { world } = deployment;

// A shard takes few clients here, so the policy would add some.
await deployment.admin("PATCH", "/scale", { mode: "off" });
const clients = [];
for (let n = 0; n < 12; n++) {
  const client = await deployment.open(`key=client-${n}`);
  if (client === undefined) throw new Error("the cluster takes no client");
  await client.ask({ connect: {} });
  await client.ask({ subscribe: { channel: `kept:${n % 3}` } });
  clients.push(client);
}
await deployment.api("publish", { channel: "kept:0", data: { hi: 1 } });

const shards = world.objects.names("Shard").filter((name) => world.objects.of(name).sockets.size > 0);
const names = () => (["Shard", "Channel", "Coordinator"] as const).flatMap((one) => world.objects.names(one));

let alarms: Record<string, number> = {};
let calls: string[] = [];
world.note = (what) => {
  const [, name, isAlarm] = /^(\S+ \S+)( alarm)?/u.exec(what) ?? [];
  if (isAlarm !== undefined && name !== undefined) alarms[name] = (alarms[name] ?? 0) + 1;
};
world.network.onCall = ({ name, method }) => void calls.push(`${name} ${method}`);

/** The rows that each object has written: of tables, and of keys. */
const rowsOf = new Map<string, () => number>();
for (const name of names()) {
  const storage = world.objects.of(name).storage;
  const { put } = storage.kv;
  let keys = 0;
  storage.kv.put = (key, value) => {
    keys += 1;
    put(key, value);
  };
  rowsOf.set(name, () => keys + storage.rowsWritten);
}
const allRows = () => [...rowsOf].map(([name, count]) => [name, count()] as const);

/** Lets ping periods pass, in each of which every object sleeps; answers with what happened. */
async function live(periods: number) {
  [alarms, calls] = [{}, []];
  const before = new Map(allRows());
  for (let n = 0; n < periods; n++) {
    for (const name of names()) world.sleep(name);
    await deployment.pass(25_000);
  }
  const written = allRows().flatMap(([name, count]) => {
    const rows = count - (before.get(name) ?? 0);
    return rows === 0 ? [] : [[name, rows] as const];
  });
  return { alarms: { ...alarms }, calls: [...calls], rows: Object.fromEntries(written) };
}

await deployment.pass(SETTLED_MS);
await live(4);
const idle = await live(PERIODS);
const closed = clients.filter(({ closedWith }) => closedWith !== undefined).length;
for (const { socket } of clients) socket.close(1000);
await deployment.pass(SETTLED_MS);
// The publication lives for a day.
await live(2 * PERIODS);
const empty = await live(PERIODS);
console.log(JSON.stringify({ shards, periods: PERIODS, closed, idle, empty }));
deployment.close();
