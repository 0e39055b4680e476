import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ChannelContract } from "../../src/contracts/channel.ts";
import type { CoordinatorContract } from "../../src/contracts/coordinator.ts";
import type { ShardContract } from "../../src/contracts/shard.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import {
  channelObject,
  changeRing,
  Client,
  coordinator,
  coordinatorObject,
  errorOf,
  keysOf,
  positionsOf,
  settled,
  shardObject,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

/** One call for each method of a contract. `crash` is for development, and reads no storage. */
type Calls<Contract, Stub> = {
  [Method in Exclude<keyof Contract, "crash">]: (stub: Stub) => Promise<unknown>;
};

const AUTO_1 = { name: "auto/auto-1", region: "auto" };
const EVERYTHING = { limit: -1, reverse: false, since: null };
const publication = { id: "late", body: '{"data":1}' };
const action = { kind: "send", users: ["ann"], data: "{}" } as const;
const order = { kind: "act", action } as const;
const descriptor = { epoch: 9, seed: 0, shards: [], defaultRegion: "auto" };

const SHARD: Calls<ShardContract, ReturnType<typeof shardObject>> = {
  adopt: (stub) => stub.adopt(descriptor, undefined, CONTRACT),
  predict: (stub) => stub.predict(descriptor, CONTRACT),
  status: (stub) => stub.status(CONTRACT),
  watch: (stub) => stub.watch(Date.now() + 1_000, CONTRACT),
  deliver: (stub) =>
    stub.deliver(
      {
        channel: "kept:room",
        registration: 1,
        logEpoch: "e",
        durable: true,
        since: 0,
        mayRepeat: false,
        entries: [{ kind: "pub", offset: 1, body: publication.body }],
      },
      CONTRACT,
    ),
  attends: (stub) => stub.attends("kept:room", CONTRACT),
  presenceHere: (stub) => stub.presenceHere("kept:room", CONTRACT),
  presenceUpTo: (stub) => stub.presenceUpTo("kept:room", { clients: 1, bytes: 1 }, CONTRACT),
  presenceCount: (stub) => stub.presenceCount("kept:room", CONTRACT),
  channelsHere: (stub) => stub.channelsHere("", 10, CONTRACT),
  channelsPage: (stub) => stub.channelsPage({ pattern: "", after: "", names: 1, bytes: 1 }, CONTRACT),
  sessionsOf: (stub) => stub.sessionsOf("ann", CONTRACT),
  sessionsUpTo: (stub) => stub.sessionsUpTo("ann", { sessions: 1, bytes: 1 }, CONTRACT),
  carryOut: (stub) => stub.carryOut(order, AUTO_1, CONTRACT),
  sendOwned: (stub) => stub.sendOwned({ users: ["ann"], data: "{}", ringEpoch: 1 }, CONTRACT),
  askFront: (stub) => stub.askFront("", CONTRACT),
  relay: (stub) => stub.relay({ order, targets: [AUTO_1], waitMs: 100 }, CONTRACT),
  elapse: (stub) => stub.elapse(CONTRACT),
};

const CHANNEL: Calls<ChannelContract, ReturnType<typeof channelObject>> = {
  publish: (stub) => stub.publish(publication, CONTRACT),
  publishAll: (stub) => stub.publishAll([publication], CONTRACT),
  settle: (stub) => stub.settle("auto/auto-1", CONTRACT),
  announce: (stub) => stub.announce([{ kind: "join", user: "ann", body: "{}", held: false }], CONTRACT),
  presence: (stub) => stub.presence("", CONTRACT),
  presenceUpTo: (stub) => stub.presenceUpTo("", { clients: 1, bytes: 1 }, CONTRACT),
  presenceCount: (stub) => stub.presenceCount("", CONTRACT),
  register: (stub) => stub.register(AUTO_1, null, CONTRACT),
  view: (stub) => stub.view(0, CONTRACT),
  history: (stub) => stub.history(EVERYTHING, CONTRACT),
  removeHistory: (stub) => stub.removeHistory(CONTRACT),
  waitingEvents: (stub) => stub.waitingEvents(CONTRACT),
  elapse: (stub) => stub.elapse(CONTRACT),
};

const COORDINATOR: Calls<CoordinatorContract, ReturnType<typeof coordinatorObject>> = {
  descriptor: (stub) => stub.descriptor(CONTRACT),
  change: (stub) => stub.change({ change: { kind: "add", count: 1 }, dryRun: false, by: "test" }, CONTRACT),
  report: async (stub) => {
    const status = {
      sessions: 0,
      users: 0,
      channels: 0,
      subscriptions: 0,
      ringEpoch: 1,
      digest: "",
      wokeAt: 0,
    };
    return stub.report({ shard: AUTO_1, status, moves: [] }, CONTRACT);
  },
  drained: (stub) => stub.drained("auto-1", CONTRACT),
  unreachable: (stub) => stub.unreachable("enam", CONTRACT),
  cluster: (stub) => stub.cluster(CONTRACT),
  scale: (stub) => stub.scale(CONTRACT),
  cost: (stub) => stub.cost(CONTRACT),
  chooseScaleMode: (stub) => stub.chooseScaleMode({ mode: "off", by: "test" }, CONTRACT),
  epochs: (stub) => stub.epochs(10, CONTRACT),
  watch: (stub) => stub.watch(Date.now() + 1_000, CONTRACT),
  explain: (stub) => stub.explain("ann", "auto", CONTRACT),
  sessionsOf: (stub) => stub.sessionsOf("ann", CONTRACT),
  sessionsOfOrId: (stub) => stub.sessionsOfOrId("ann", CONTRACT),
  act: (stub) => stub.act(action, CONTRACT),
  channels: (stub) => stub.channels("", CONTRACT),
  broadcast: (stub) => stub.broadcast(publication, false, CONTRACT),
  register: (stub) => stub.register(AUTO_1, null, CONTRACT),
  view: (stub) => stub.view(0, CONTRACT),
  history: (stub) => stub.history(EVERYTHING, CONTRACT),
  removeHistory: (stub) => stub.removeHistory(CONTRACT),
  waitingEvents: (stub) => stub.waitingEvents(CONTRACT),
  elapse: (stub) => stub.elapse(CONTRACT),
};

/** The whole storage of an object: its pairs, and the rows of its tables. */
function read({ kv, sql }: DurableObjectStorage): unknown {
  const tables = sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .toArray()
    .filter(({ name }) => !name.startsWith("_cf") && !name.startsWith("sqlite"));
  return {
    pairs: [...kv.list()],
    tables: tables.map(({ name }) => [name, sql.exec(`SELECT * FROM "${name}"`).toArray()]),
  };
}

/** The storage of an object that refuses its calls. `kv`: the prototype of all key-value storages. */
async function readPast(stub: DurableObjectStub, kv: SyncKvStorage): Promise<unknown> {
  // The life that has refused counts what it reads, by a function that it has put before the one of the prototype.
  await evictDurableObject(stub);
  const { get } = kv;
  vi.spyOn(kv, "get").mockImplementation(function (this: SyncKvStorage, key: string) {
    return key === "needsStorage" ? undefined : get.call(this, key);
  });
  const seen = await runInDurableObject(stub, (_, { storage }) => read(storage));
  vi.restoreAllMocks();
  return seen;
}

type Refusals = {
  /** The errors of all calls. */
  readonly errors: ReadonlySet<string>;
  readonly before: unknown;
  readonly after: unknown;
};

/** Makes every call to an object whose storage a newer release has written. */
async function callAll<Stub extends DurableObjectStub>(
  stub: Stub,
  calls: Record<string, (stub: Stub) => Promise<unknown>>,
): Promise<Refusals> {
  const { before, prototype } = await runInDurableObject(stub, (_, { storage }) => {
    storage.kv.put("needsStorage", 99);
    return { before: read(storage), prototype: Object.getPrototypeOf(storage.kv) as SyncKvStorage };
  });
  await evictDurableObject(stub);
  const errors = new Set<string>();
  for (const call of Object.values(calls)) errors.add(await errorOf(() => call(stub)));
  return { errors, before, after: await readPast(stub, prototype) };
}

const REFUSED = ["StorageError: this object's storage needs a release of storage 99, and this is 1"];

describe("[CT3] an object that finds storage of a newer, incompatible release refuses it and leaves it as it is", () => {
  /** Uses a cluster until an object of each class has stored something. */
  async function used(): Promise<void> {
    const [key = ""] = await keysOf("auto-1", 1);
    const client = await Client.connect(key);
    await client.ask({ subscribe: { channel: "kept:room" } });
    await client.ask({ publish: { channel: "kept:room", data: 1 } });
    await changeRing({ kind: "add", count: 1 });
    await coordinator().broadcast({ id: "early", body: '{"data":0}' }, false, CONTRACT);
    await settled();
    // A shard writes its positions shortly after a delivery.
    await until(async () => {
      const positions = await positionsOf(shardObject("auto-1"));
      return ["kept:room", "ringcast:broadcast"].every((name) => positions.get(name) === 1);
    });
  }

  test("a shard refuses every call, also an upgrade", async () => {
    await used();
    const refusals = await callAll(shardObject("auto-1"), {
      ...SHARD,
      fetch: (stub) =>
        stub.fetch("https://ringcast.test/connection/websocket", { headers: { upgrade: "websocket" } }),
    });
    expect([...refusals.errors]).toEqual(REFUSED);
    expect(refusals.after).toEqual(refusals.before);
  });

  test("a channel refuses every call", async () => {
    await used();
    const refusals = await callAll(channelObject("kept:room"), CHANNEL);
    expect([...refusals.errors]).toEqual(REFUSED);
    expect(refusals.after).toEqual(refusals.before);
  });

  test("the coordinator refuses every call", async () => {
    await used();
    const refusals = await callAll(coordinatorObject(), COORDINATOR);
    expect([...refusals.errors]).toEqual(REFUSED);
    expect(refusals.after).toEqual(refusals.before);
  });

  test("the same object answers again under a release that knows the storage", async () => {
    await used();
    const stub = channelObject("kept:room");
    await runInDurableObject(stub, (_, { storage }) => storage.kv.put("needsStorage", 1));
    await evictDurableObject(stub);
    expect((await stub.history(EVERYTHING, CONTRACT)).publications).toHaveLength(1);
  });
});
