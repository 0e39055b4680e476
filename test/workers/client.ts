import { env } from "cloudflare:workers";
import { createExecutionContext, reset, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { Change, ChangeAnswer } from "../../src/contracts/change.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { coordinatorStub, shardStub } from "../../src/platform/calls.ts";
import { buildRing } from "../../src/ring/build.ts";
import { createRingcast } from "../../src/ringcast.ts";

/** The parts of a line that tests look at. */
export type Line = {
  id?: number;
  error?: { code: number };
  push?: { channel: string; pub?: { data: unknown } };
  [kind: string]: unknown;
};

/** A WebSocket of the test's own isolate, connected to the Worker under test. */
export class Client {
  readonly socket: WebSocket;
  readonly lines: Line[] = [];
  readonly closed: Promise<number>;
  closeCode: number | undefined;
  closeReason: string | undefined;
  #next = 0;
  #lastId = 0;
  #wake: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        this.closeCode = code;
        this.closeReason = reason;
        resolve(code);
        this.#ring();
      });
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") throw new Error("a binary frame");
      for (const line of data.split("\n")) this.lines.push(JSON.parse(line) as Line);
      this.#ring();
    });
  }

  /** Opens a socket; `halfOpen` makes a peer that never answers a close frame. */
  static async open(
    key: string,
    options: { halfOpen?: true; fetcher?: typeof fetchWorker } = {},
  ): Promise<Client> {
    const response = await (options.fetcher ?? fetchWorker)(
      new Request(`https://ringcast.test/connection/websocket?key=${key}`, {
        headers: { upgrade: "websocket" },
      }),
    );
    const { webSocket } = response;
    if (webSocket === null) throw new Error(`${response.status}: ${await response.text()}`);
    const client = new Client(webSocket);
    webSocket.accept(options.halfOpen === true ? { allowHalfOpen: true } : {});
    return client;
  }

  static async connect(key: string, options: Parameters<typeof Client.open>[1] = {}): Promise<Client> {
    const client = await Client.open(key, options);
    await client.ask({ connect: {} });
    return client;
  }

  /** The next line that is not a ping. */
  async next(): Promise<Line> {
    for (;;) {
      const line = this.lines[this.#next];
      if (line !== undefined) {
        this.#next += 1;
        if (Object.keys(line).length > 0) return line;
        continue;
      }
      if (this.closeCode !== undefined) throw new Error(`closed with ${this.closeCode}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Sends one command and answers with its reply. Pushes in between stay in `lines`. */
  async ask(command: object): Promise<Line> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.socket.send(JSON.stringify({ id, ...command }));
    for (;;) {
      const line = await this.next();
      if (line.id === id) return line;
    }
  }

  /** The data of every publication so far. */
  heard(channel: string): unknown[] {
    return this.lines.flatMap(({ push }) => (push?.channel === channel && push.pub ? [push.pub.data] : []));
  }

  #ring(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** The router of a new isolate: it knows only the configured shards. */
export function coldRouter(): (request: Request) => Promise<Response> {
  const { handler } = createRingcast();
  return async (request) => handler.fetch(request, env, createExecutionContext());
}

let router = coldRouter();
export const fetchWorker = (request: Request): Promise<Response> => router(request);

/** The environment of a new isolate: a Worker keeps by it what it knows of the cluster. */
let own = { ...env };
export const ownEnv = (): Cloudflare.Env => own;

/** For `afterEach`: an empty cluster behind a new router. */
export async function startOver(): Promise<void> {
  router = coldRouter();
  own = { ...env };
  await reset();
}

export const coordinator = () => coordinatorStub(env);
export const shard = (id: string) => shardStub(env, { name: `auto/${id}`, region: "auto" });

/** The objects themselves: a test reads their storage, puts them to sleep and runs their alarms. */
export const coordinatorObject = () => env.COORDINATOR.getByName("coordinator");
export const channelObject = (name: string) => env.CHANNEL.getByName(name);
export const shardObject = (id: string) => env.SHARD.getByName(`auto/${id}`);

/** An operator's change of the ring. */
export const changeRing = (
  change: Change,
  { dryRun = false, by = "test" }: { readonly dryRun?: boolean; readonly by?: string } = {},
): Promise<ChangeAnswer> => coordinator().change({ change, dryRun, by }, CONTRACT);

/** A call to the server API, with the full key. */
export async function api(method: string, params: object): Promise<any> {
  const headers = { "x-api-key": env.API_KEY ?? "" };
  const body = JSON.stringify(params);
  const request = new Request(`https://ringcast.test/api/${method}`, { method: "POST", headers, body });
  return (await fetchWorker(request)).json();
}

/** A shard of a hundred owns a hundred of so many. */
const MOST_KEYS = 10_000;

/** Keys that a shard owns. */
export async function keysOf(shardId: string, count: number): Promise<string[]> {
  const ring = buildRing(await coordinator().descriptor(CONTRACT));
  const keys: string[] = [];
  for (let n = 0; keys.length < count; n++) {
    if (n === MOST_KEYS)
      throw new Error(`${shardId} owns none of ${n} keys under ${JSON.stringify(ring.descriptor)}`);
    if (ring.owner(`key-${n}`, "auto")?.id === shardId) keys.push(`key-${n}`);
  }
  return keys;
}

/**
 * The text of the error that a call ends in. The test itself awaits the promise of another object, because `expect`
 * inspects a promise.
 */
export async function errorOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    return String(error);
  }
  throw new Error("the call has succeeded");
}

/**
 * Waits until a condition holds. Gives up after a minute or more, because a busy machine is slow, and then shows what `seen`
 * returns.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  seen: () => unknown = () => "",
): Promise<void> {
  // The loop counts its rounds, because a test may have stopped the clock.
  for (let n = 0; n < 6_000; n++) {
    if (await condition()) return;
    await scheduler.wait(10);
  }
  throw new Error(`this condition has stayed false: ${condition.toString()} ${JSON.stringify(seen())}`);
}

/** Waits until every shard has adopted the newest epoch. */
export async function adopted(): Promise<void> {
  await until(async () => {
    const { ringEpoch, shards, untold } = await coordinator().cluster(CONTRACT);
    // A shard learns the first epoch only from its first connection.
    const knows = ({ status }: (typeof shards)[number]) =>
      status !== null && (status.ringEpoch === ringEpoch || (ringEpoch === 1 && status.ringEpoch === 0));
    return untold.length === 0 && shards.every(knows);
  });
}

/** Waits until every shard has adopted the newest epoch, has moved its sessions, and has reported the moves. */
export async function settled(): Promise<void> {
  await adopted();
  await until(async () => {
    const { shards } = await coordinator().cluster(CONTRACT);
    const appointments = await Promise.all(shards.map(({ id }) => appointmentsOf(shardObject(id))));
    return appointments.every((names) => !names.includes("moves") && !names.includes("report"));
  });
}

/** The names of the appointments that the alarm of an object has. */
export const appointmentsOf = (stub: DurableObjectStub): Promise<string[]> =>
  runInDurableObject(stub, (_, { storage }) =>
    // The row of the appointments has counts too.
    Object.keys(storage.kv.get<object>("timetable") ?? {}).filter((name) => !name.startsWith("#")),
  );

/** The positions that a shard has stored, by channel; none while they are dirty. */
export const positionsOf = (stub: DurableObjectStub): Promise<ReadonlyMap<string, number>> =>
  runInDurableObject(stub, (_, { storage }) => {
    const stored = storage.kv.get<ReadonlyMap<string, { readonly offset: number }>>("positions") ?? [];
    return new Map([...stored].map(([channel, { offset }]) => [channel, offset]));
  });

/** The name of an object whose call a spy has recorded. */
export const nameOf = (object: unknown): string => (object as { ctx: DurableObjectState }).ctx.id.name ?? "";

/** Objects wait here until the test opens the gate. They poll: an object may not await another object's promise. */
export class Gate {
  #open = false;

  async pass(): Promise<void> {
    while (!this.#open) await scheduler.wait(5);
  }

  open(): void {
    this.#open = true;
  }
}

/** Counts the timers of this isolate that still run. */
export function countTimers(): () => number {
  const running = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const setAndCount = (act: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = set(() => {
      running.delete(timer);
      act(...args);
    }, ms);
    running.add(timer);
    return timer;
  };
  vi.spyOn(globalThis, "setTimeout").mockImplementation(setAndCount as typeof setTimeout);
  vi.spyOn(globalThis, "clearTimeout").mockImplementation((timer) => {
    running.delete(timer);
    clear(timer);
  });
  return () => running.size;
}
