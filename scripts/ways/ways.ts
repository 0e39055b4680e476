import { Cluster, CHANNEL, type Client } from "./cluster.ts";
import { record, type Entry } from "./trace.ts";

const WARM_CLIENTS = 24;
/** After this pause the effects of one way have ended, and no ping is due yet. */
const PAUSE_MS = 1_500;

/** `answer`: the entries of an object after the way has gone on to the next object. */
export type Way = { readonly entries: readonly Entry[]; readonly answer: readonly Entry[] };
export type WayName = "upgrade" | "publication" | "HTTP publish" | "ring change";

/** Warms a cluster up, and records the four ways through it. */
export async function recordWays(): Promise<Readonly<Record<WayName, Way>>> {
  const cluster = new Cluster();
  try {
    const clients = await warmUp(cluster);
    const [publisher] = clients;
    const listener = clients.find(({ shard }) => shard !== publisher?.shard);
    if (publisher === undefined || listener === undefined) throw new Error("all clients are on one shard");
    await answered(cluster, listener, { id: 2, subscribe: { channel: CHANNEL } });

    const order = { channel: CHANNEL, data: { hello: "world" } };
    const onPublication = (done: () => void) => {
      listener.onFrame = (text) => {
        if (text.includes('"pub"')) done();
      };
    };
    let lastId = 100;
    const publication = () =>
      follow(cluster, (done) => {
        onPublication(done);
        lastId += 1;
        publisher.send({ id: lastId, publish: order });
      });
    const httpPublish = () =>
      follow(cluster, (done) => {
        onPublication(done);
        void cluster.post("/api/publish", order);
      });
    // Each way runs once before it is recorded, because the first use builds state that the steady state has.
    await publication();
    await httpPublish();
    const upgrade = async (done: () => void) => {
      await cluster.upgrade("key-0");
      done();
    };
    return {
      upgrade: oneWay(await follow(cluster, (done) => void upgrade(done))),
      publication: oneWay(await publication()),
      "HTTP publish": oneWay(await httpPublish()),
      "ring change": await ringChange(cluster, clients),
    };
  } finally {
    cluster.close();
  }
}

async function warmUp(cluster: Cluster): Promise<Client[]> {
  const clients: Client[] = [];
  for (let n = 0; n < WARM_CLIENTS; n++) {
    const client = await cluster.settle(cluster.upgrade(`key-${n}`));
    await answered(cluster, client, { id: 1, connect: {} });
    clients.push(client);
  }
  return clients;
}

async function answered(cluster: Cluster, client: Client, command: object): Promise<void> {
  let answer: string | undefined;
  client.onFrame = (text) => {
    answer ??= text;
  };
  client.send(command);
  await cluster.runUntil(() => answer !== undefined);
  if (answer?.includes('"error"') === true) throw new Error(answer);
}

/** Records all calls from `start` until `start` calls `done`. */
async function follow(cluster: Cluster, start: (done: () => void) => void): Promise<readonly Entry[]> {
  await cluster.run(PAUSE_MS);
  let entries: readonly Entry[] | undefined;
  const stop = record(cluster.objectAtWork);
  start(() => {
    entries ??= stop();
  });
  await cluster.runUntil(() => entries !== undefined);
  return entries ?? [];
}

function oneWay(all: readonly Entry[]): Way {
  const objects = [...new Set(all.map(({ object }) => object))];
  const entries: Entry[] = [];
  const answer: Entry[] = [];
  let reached = 0;
  for (const entry of all) {
    const at = objects.indexOf(entry.object);
    reached = Math.max(reached, at);
    (at === reached ? entries : answer).push(entry);
  }
  return { entries, answer };
}

/** The operator's request only starts this way. The way has the calls of the objects, with all their answers. */
async function ringChange(cluster: Cluster, clients: readonly Client[]): Promise<Way> {
  const add = { ids: ["auto-3"] };
  const planned = await cluster.settle(cluster.post("/admin/api/shards", { ...add, dryRun: true }));
  const { predicted } = await planned.json<{ predicted: { moving: number } }>();
  if (predicted.moving === 0) throw new Error("the new shard takes no session");
  const all = await follow(cluster, (done) => {
    for (const client of clients) {
      client.onClose = () => {
        const moved = clients.filter(({ closedWith }) => closedWith === 4001);
        if (moved.length === predicted.moving) done();
      };
    }
    void cluster.post("/admin/api/shards", add);
  });
  return { entries: all.filter(({ part }) => part !== "router"), answer: [] };
}
