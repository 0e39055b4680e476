import { createHash, timingSafeEqual } from "node:crypto";
import { createRingcast } from "../../src/ringcast.ts";
import { install } from "../../test/sim/globals.ts";
import { Random } from "../../test/sim/random.ts";
import type { ClientSocket } from "../../test/sim/sockets.ts";
import * as code from "../../test/sim/release.ts";
import { Rollout } from "../../test/sim/rollout.ts";
import { World } from "../../test/sim/world.ts";

const API_KEY = "an-api-key-for-the-ways";
/** This channel keeps history, so that a publication takes the whole way. */
export const CHANNEL = "kept:room";

const VARIABLES = {
  API_KEY,
  READ_KEY: "a-read-key-for-the-ways",
  TOKEN_HMAC_SECRET: "a-secret-of-32-bytes-for-the-ways",
  RINGCAST: { anonymous: true, shards: { initial: 2 } },
  RINGCAST_NS_kept: {
    allow_subscribe_for_client: true,
    allow_publish_for_client: true,
    allow_subscribe_for_anonymous: true,
    allow_publish_for_anonymous: true,
    history_size: 100,
    history_ttl: "10m",
    force_recovery: true,
  },
};

/** The virtual time after which a way that has not ended counts as failed. */
const PATIENCE_MS = 20_000;

/** Gives every message its shortest time, so that each run is the same. Ids still differ. */
class ShortestTimes extends Random {
  override int(least: number, most: number): number {
    return least > 0 ? least : super.int(least, most);
  }
}

export type Client = {
  readonly shard: string;
  readonly send: (command: object) => void;
  /** Called for each frame. */
  onFrame: (text: string) => void;
  closedWith: number | undefined;
  onClose: () => void;
};

/** A rollout with the present release only. */
function presentAlone(): Rollout {
  const present = { name: "the present release", code, variables: VARIABLES };
  return new Rollout(new Random(1), { before: present, present }, "none");
}

/** Ringcast on the simulator's stand-in for the platform, driven through the Worker's handler. */
export class Cluster {
  readonly #world = new World(new ShortestTimes(1), { trace: false, hooks: {}, rollout: presentAlone() });
  readonly #env: Cloudflare.Env = { ...this.#world.env, ...VARIABLES };
  readonly #handler = createRingcast().handler;
  readonly #restore = install(this.#world);

  constructor() {
    // The Workers runtime has `timingSafeEqual`. Node's `digest` works in a thread, for which virtual time does not wait.
    Object.assign(crypto.subtle, {
      timingSafeEqual,
      digest: async (algorithm: string, data: Uint8Array) =>
        Uint8Array.from(createHash(algorithm).update(data).digest()).buffer,
    });
  }

  /** The object that is at work. `outside` stands for the router. */
  objectAtWork = (): string => this.#world.current.name;

  async fetch(path: string, options: { method?: string; headers?: HeadersInit; body?: string } = {}) {
    const request = new Request(`http://ringcast.test${path}`, options);
    const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    return this.#handler.fetch(request, this.#env, context as unknown as ExecutionContext);
  }

  /** A request of a back end or an operator. */
  post(path: string, command: object): Promise<Response> {
    const body = JSON.stringify(command);
    const headers = {
      "x-api-key": API_KEY,
      "content-type": "application/json",
      "content-length": String(body.length),
    };
    return this.fetch(path, { method: "POST", headers, body });
  }

  async upgrade(key: string): Promise<Client> {
    const path = `/connection/websocket?key=${key}`;
    const response = await this.fetch(path, { headers: { upgrade: "websocket" } });
    if (response.status !== 101) throw new Error(`the upgrade was answered with ${response.status}`);
    const socket = response.webSocket as unknown as ClientSocket;
    const client: Client = {
      shard: socket.peer?.owner ?? "",
      send: (command) => socket.send(JSON.stringify(command)),
      onFrame: () => undefined,
      closedWith: undefined,
      onClose: () => undefined,
    };
    socket.onMessage = (text) => client.onFrame(text);
    socket.onClose = (code) => {
      client.closedWith = code;
      client.onClose();
    };
    return client;
  }

  /** Lets time pass until the promise has its value. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    promise.then(over, over);
    await this.runUntil(() => isOver);
    return promise;
  }

  async runUntil(isReached: () => boolean): Promise<void> {
    for (let ms = 0; !isReached(); ms++) {
      if (ms === PATIENCE_MS) throw new Error("the way does not come to its end");
      await this.run(1);
    }
  }

  async run(ms: number): Promise<void> {
    // The work of Node itself, such as reading a body, takes no virtual time.
    await new Promise((resolve) => setImmediate(resolve));
    const { clock, violations } = this.#world;
    await this.#world.run(clock.now + ms);
    if (violations.length > 0) throw new Error(violations.join("; "));
  }

  close(): void {
    this.#restore();
    this.#world.objects.close();
  }
}
