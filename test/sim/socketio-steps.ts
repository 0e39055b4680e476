import type { Router } from "./release.ts";
import { ALONE, SocketIoClient } from "./socketio-client.ts";
import type { World } from "./world.ts";

const ROOMS = ["red", "green", "blue"];
/** A client is in so many of them. */
const ROOMS_EACH = 2;
/** The last words come when the network has been well for so long. */
const CALM_MS = 180_000;

/** What has been said in one room, or to one client alone, one after the other. */
type Talk = {
  last: number;
  /** The numbers whose call was answered. */
  readonly taken: number[];
  isBusy: boolean;
};

/** Socket.IO clients, and the back end that speaks in their rooms and to each of them. `world.fate` decides what happens. */
export class SocketIoSteps {
  readonly #world: World;
  readonly #routers: readonly Router[];
  readonly #clients: readonly SocketIoClient[];
  readonly #talks = new Map<string, Talk>();

  /** A deployment replaces the items of `routers`. */
  constructor(world: World, routers: readonly Router[]) {
    this.#world = world;
    this.#routers = routers;
    this.#clients = Array.from({ length: world.fate.int(2, 4) }, (_, n) => {
      const rooms = Array.from({ length: ROOMS_EACH }, (__, k) => ROOMS[(n + k) % ROOMS.length] as string);
      const lastSaid = (room: string): number => this.#talkOf(room).last;
      return new SocketIoClient(world, { name: `socket-${n}`, routers, rooms, lastSaid });
    });
  }

  begin(): void {
    for (const client of this.#clients) client.connect();
  }

  step(): void {
    const { fate } = this.#world;
    const client = fate.pick(this.#clients);
    const actions: [number, () => void][] = [
      [40, () => this.#sayIn(fate.pick(ROOMS))],
      [20, () => this.#sayTo(client)],
      [10, () => client.cut()],
      [4, () => this.#cutTwice(client)],
      [4, () => this.#sleep(client)],
      [4, () => this.#crash(client)],
      [4, () => this.#world.crash(`CHANNEL ringcast:io:/,${fate.pick(ROOMS)}`)],
      [10, () => undefined],
    ];
    let at = fate.next() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, action] of actions) {
      at -= weight;
      if (at < 0) return action();
    }
  }

  /** The faults are over: some time later comes what everybody has to hear. */
  calm(): void {
    this.#world.setTimer(() => {
      for (const room of ROOMS) this.#say(room, room, [room, null], Infinity);
      for (const client of this.#clients)
        if (client.id !== undefined) this.#say(client.name, client.id, [ALONE, null], Infinity);
    }, CALM_MS);
  }

  judge(): void {
    for (const client of this.#clients)
      for (const problem of client.problems((room) => this.#talkOf(room === ALONE ? client.name : room)))
        this.#world.violate(problem);
  }

  #sayIn(room: string): void {
    const next = this.#talkOf(room).last + 1;
    this.#say(room, room, [room, next], next);
  }

  #sayTo({ id, name }: SocketIoClient): void {
    const next = this.#talkOf(name).last + 1;
    if (id !== undefined) this.#say(name, id, [ALONE, next], next);
  }

  /** `to`: a room, or the id of a socket. Nothing is said there before the answer to what was said last. */
  #say(name: string, to: string, args: readonly unknown[], number: number): void {
    const talk = this.#talkOf(name);
    const [router] = this.#routers;
    if (talk.isBusy || router === undefined) return;
    talk.isBusy = true;
    talk.last = number;
    this.#world.note(`says ${JSON.stringify(args)} to ${to}`);
    void router
      .emit(to, ...args)
      .then(() => void talk.taken.push(number))
      .catch(() => undefined)
      .finally(() => (talk.isBusy = false));
  }

  /** The second time in the middle of its return. */
  #cutTwice(client: SocketIoClient): void {
    client.cut();
    this.#world.setTimer(() => client.cut(), this.#world.fate.int(500, 5_200));
  }

  #sleep({ shard }: SocketIoClient): void {
    if (shard !== undefined) this.#world.sleep(shard);
  }

  #crash({ shard }: SocketIoClient): void {
    if (shard !== undefined) this.#world.crash(shard, { silenced: this.#world.fate.chance(0.5) });
  }

  #talkOf(name: string): Talk {
    const talk = this.#talks.get(name) ?? { last: -1, taken: [], isBusy: false };
    this.#talks.set(name, talk);
    return talk;
  }
}
