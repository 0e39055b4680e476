import type { Router } from "./release.ts";
import type { ClientSocket } from "./sockets.ts";
import type { World } from "./world.ts";

const FRAMES = [
  '{"id":3,"history":{"channel":"many:1","limit":1}}',
  "{} ",
  "{",
  "[]",
  '{"id":1,"rpc":{"method":"x"}}',
  '{"id":2,"connect":{}}',
  "\n\n\n",
  "x".repeat(2_000),
];
const FLOODS = [0, 10, 100, 3_000];

/** A stranger that floods its shard, reads nothing, never answers a close, and vanishes. It is owed nothing. */
export class HostileClient {
  readonly #world: World;
  readonly #routers: readonly Router[];
  readonly #sockets: ClientSocket[] = [];
  #connections = 0;

  /** A deployment replaces the items of `routers`. */
  constructor(world: World, routers: readonly Router[]) {
    this.#world = world;
    this.#routers = routers;
  }

  /** Connects a few times, and floods each connection. */
  attack(): void {
    const { fate } = this.#world;
    for (let n = fate.int(1, 4); n > 0; n--) void this.#connect().catch(() => undefined);
  }

  /** The connections of the stranger break. */
  vanish(): void {
    for (const socket of this.#sockets.splice(0)) socket.close(1006);
  }

  async #connect(): Promise<void> {
    const { fate } = this.#world;
    this.#connections += 1;
    const forwarded = await fate.pick(this.#routers).connect(`stranger-${this.#connections}`);
    if (forwarded.kind !== "connected") return;
    const socket = forwarded.response.webSocket as unknown as ClientSocket;
    socket.answersClose = fate.chance(0.3);
    if (fate.chance(0.5)) socket.stall();
    this.#sockets.push(socket);
    if (fate.chance(0.5)) socket.send('{"id":1,"connect":{}}');
    for (let n = fate.pick(FLOODS); n > 0; n--) socket.send(fate.pick(FRAMES));
    if (fate.chance(0.3)) this.vanish();
  }
}
