import { Centrifuge, State } from "centrifuge";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { API_KEY, eventually, startCluster, type Cluster } from "../support/cluster.ts";

const CLIENTS_PER_REGION = 12;
const CHANNEL = "kept:news";

type Guest = {
  readonly region: string;
  readonly client: Centrifuge;
  readonly heard: number[];
  /** Why its connection ended, each time. */
  readonly closes: number[];
  /** Its answers to a resume. */
  readonly recovered: boolean[];
};

let cluster: Cluster;
let guests: Guest[];
const sent: number[] = [];
const enough = new AbortController();
let publisher: Promise<void>;

function guestFrom(region: string, n: number): Guest {
  const address = new URL(cluster.endpoint(`${region}-${n}`));
  address.searchParams.set("region", region);
  const client = new Centrifuge(address.href, { websocket: WebSocket, maxReconnectDelay: 1_000 });
  const guest: Guest = { region, client, heard: [], closes: [], recovered: [] };
  client.on("connecting", ({ code }) => void (code !== 0 && guest.closes.push(code)));
  const subscription = client.newSubscription(CHANNEL);
  subscription.on("publication", ({ data }) => guest.heard.push(data));
  subscription.on("subscribed", ({ wasRecovering, recovered }) => {
    if (wasRecovering) guest.recovered.push(recovered);
  });
  subscription.subscribe();
  client.connect();
  return guest;
}

/** Publishes a number after the other. An answer means that it is stored; a refusal is tried again under its key. */
async function publish(): Promise<void> {
  for (let n = 1; !enough.signal.aborted; n++) {
    const body = JSON.stringify({ channel: CHANNEL, data: n, idempotency_key: `n-${n}` });
    await eventually(async () => {
      const headers = { "x-api-key": API_KEY };
      const response = await fetch(new URL("/api/publish", cluster.url), { method: "POST", headers, body });
      const answer: any = await response.json();
      return answer.result !== undefined;
    });
    sent.push(n);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const isIn = ({ client }: Guest) =>
  client.state === State.Connected && client.getSubscription(CHANNEL)?.state === "subscribed";
const shards = async () => (await cluster.admin("GET", "/cluster")).body.shards as any[];
const statesOf = async (region: string) =>
  (await shards()).filter((shard) => shard.region === region).map(({ state }) => state);
const sessionsIn = async (region: string) =>
  (await shards())
    .filter((shard) => shard.region === region && shard.reachable)
    .reduce((sum, { sessions }) => sum + sessions, 0);
const door = (path: string, region: string) => fetch(new URL(`${path}?region=${region}`, cluster.url));

beforeAll(async () => {
  cluster = await startCluster({
    main: "test/workers/regions-worker.ts",
    cluster: {
      shards: { initial: 2, defaultRegion: "weur" },
      scale: { mode: "off" },
      times: { regionCheckMs: 300 },
    },
    namespaces: { kept: { history_size: 5_000, history_ttl: "10m", force_recovery: true } },
  });
  await cluster.admin("POST", "/shards", { region: "enam", count: 2 });
  guests = ["weur", "enam"].flatMap((region) =>
    Array.from({ length: CLIENTS_PER_REGION }, (_, n) => guestFrom(region, n)),
  );
  await eventually(() => guests.every(isIn));
  publisher = publish();
});
afterAll(async () => {
  for (const { client } of guests ?? []) client.disconnect();
  enough.abort();
  await publisher;
  await cluster?.stop();
});

test("[EL44] clients of a region that fails go to the default region and home again, and hear everything once", async () => {
  const [ofEurope, ofAmerica] = ["weur", "enam"].map((one) => guests.filter(({ region }) => region === one));
  expect([await sessionsIn("weur"), await sessionsIn("enam")]).toEqual([12, 12]);
  await eventually(() => sent.length > 20);

  await door("/cut-off", "enam");
  await eventually(() => ofAmerica?.every(({ closes }) => closes.length > 0));
  await eventually(() => guests.every(isIn));
  await eventually(async () => (await statesOf("enam")).every((state) => state === "down"));
  expect(await sessionsIn("weur")).toBe(24);
  const duringOutage = sent.length + 20;
  await eventually(() => sent.length > duringOutage);
  // A client that comes during the outage is in at once.
  const late = guestFrom("enam", CLIENTS_PER_REGION);
  guests.push(late);
  await eventually(() => isIn(late));
  expect(late.closes).toEqual([]);

  await door("/restore", "enam");
  await eventually(async () => (await statesOf("enam")).every((state) => state === "active"));
  await eventually(async () => (await sessionsIn("enam")) === 13 && guests.every(isIn));
  expect(await sessionsIn("weur")).toBe(12);
  const { epochs } = (await cluster.admin("GET", "/epochs")).body;
  expect(epochs.slice(0, 2).map(({ by, cause }: any) => `${by}, ${cause}`)).toEqual([
    "failover, recovery: enam-1, enam-2 of enam answer again",
    "failover, outage: no shard of enam has answered 3 checks in a row",
  ]);

  enough.abort();
  await publisher;
  const last = sent.at(-1);
  await eventually(() => guests.every(({ heard }) => heard.at(-1) === last));
  for (const { heard, recovered } of guests) {
    // A client that has come later begins later.
    expect(heard).toEqual(sent.slice(sent.length - heard.length));
    expect(recovered.every(Boolean)).toBe(true);
  }
  for (const { heard } of guests.slice(0, 24)) expect(heard).toEqual(sent);
  // The clients of the default region have noticed nothing.
  expect(ofEurope?.map(({ closes }) => closes)).toEqual(ofEurope?.map(() => []));
  // Home again: one paced close, after the end of the connection that the outage cost.
  expect(ofAmerica?.every(({ closes }) => closes.at(-1) === 4001)).toBe(true);
});
