import { Clock } from "./clock.ts";
import type { Random } from "./random.ts";
import type { ClassName, Hooks } from "./release.ts";
import type { NamedRelease } from "./releases.ts";
import type { Rollout } from "./rollout.ts";
import type { ServerSocket } from "./sockets.ts";
import { SimStorage } from "./storage.ts";

/** The bindings of a deployment, each with the class of its objects. An object is named by its binding and its id. */
const BINDINGS: Readonly<Record<string, ClassName>> = {
  SHARD: "Shard",
  CHANNEL: "Channel",
  COORDINATOR: "Coordinator",
};

/** One life of an object in memory. What it has begun ends with it, and nothing of it runs again. */
type Life = {
  readonly name: string;
  /** The release whose code it runs; clients and back ends have none. */
  readonly release: NamedRelease | undefined;
  readonly instance: Instance;
  dead: boolean;
  /** What it sent and what has not arrived dies with it. */
  silenced: boolean;
  /** Timers and calls that it waits for: while there are any it does not sleep. */
  waiting: number;
  /** Calls to it that are not answered. */
  readonly working: Set<(error: Error) => void>;
  alarmRuns: boolean;
};

type Instance = Record<string, (...args: unknown[]) => unknown>;

type Stored = {
  readonly className: ClassName;
  readonly storage: SimStorage;
  readonly sockets: Set<ServerSocket>;
  life: Life | undefined;
  /** How often its memory was lost. */
  ends: number;
};

/** How the network between objects behaves, each a probability for a call. */
export type Weather = { readonly lost: number; readonly answerLost: number; readonly late: number };
export const FAIR: Weather = { lost: 0, answerLost: 0, late: 0 };

const HOT_LOOP_EVENTS_A_SECOND = 4_000;

/**
 * The platform in one thread: objects with storage and sockets, calls between them as messages that take their time,
 * and a virtual clock. What runs in it is the code that ships.
 *
 * One event is one message, timer, frame or alarm, and it belongs to one object: what follows from it before the next
 * event is that object's doing. `current` says whose.
 */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  /** The bindings, which are the same in each release. */
  readonly env: Cloudflare.Env;
  readonly #rollout: Rollout;
  readonly #hooks: Hooks;
  readonly #envs = new Map<NamedRelease, Cloudflare.Env>();
  readonly #classes = new Map<NamedRelease, Readonly<Record<ClassName, unknown>>>();
  readonly #objects = new Map<string, Stored>();
  /** Clients and back ends: they never die. */
  readonly #outside: Life;
  current: Life;
  weather: Weather = FAIR;
  events = 0;
  /** How many calls an object of one release has had from an object of the other. */
  callsBetweenReleases = 0;
  #second = { at: 0, events: 0 };
  readonly violations: string[] = [];
  #trace: string[] | undefined;

  constructor(
    random: Random,
    options: { readonly trace: boolean; readonly hooks: Hooks; readonly rollout: Rollout },
  ) {
    this.random = random;
    this.#rollout = options.rollout;
    this.#hooks = options.hooks;
    this.#outside = newLife({ name: "outside", release: undefined, instance: {} });
    this.current = this.#outside;
    this.#trace = options.trace ? [] : undefined;
    const bindings = Object.fromEntries(
      Object.keys(BINDINGS).map((binding) => [
        binding,
        { getByName: (id: string) => this.stub(`${binding} ${id}`) },
      ]),
    );
    this.env = bindings as unknown as Cloudflare.Env;
  }

  get trace(): readonly string[] {
    return this.#trace ?? [];
  }

  note(what: string): void {
    this.#trace?.push(`${((this.clock.now - 1_800_000_000_000) / 1_000).toFixed(3)} ${what}`);
  }

  violate(what: string): void {
    this.note(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  /** Lets time pass, event by event, until `until` or the first broken law. */
  async run(until: number): Promise<void> {
    for (;;) {
      if (this.violations.length > 0) return;
      const event = this.clock.next(until);
      if (event === undefined) break;
      this.current = this.#outside;
      event();
      await settled();
      this.#count();
    }
    this.clock.now = until;
    this.current = this.#outside;
  }

  /** Does something in the name of clients and back ends. */
  outside(run: () => void): void {
    this.current = this.#outside;
    run();
  }

  setTimer(run: () => void, ms: number): { cancel(): void } {
    const life = this.current;
    life.waiting += 1;
    let done = false;
    const finish = (): boolean => {
      if (done) return false;
      done = true;
      life.waiting -= 1;
      return true;
    };
    const { cancel } = this.clock.after(ms, () => {
      if (!finish() || life.dead) return;
      this.current = life;
      run();
    });
    return {
      cancel: () => {
        finish();
        cancel();
      },
    };
  }

  stub(name: string): object {
    return new Proxy(
      {},
      {
        get: (_, method) =>
          method === "then" ? undefined : (...args: unknown[]) => this.#call(name, String(method), args),
      },
    );
  }

  /** An event of a socket. */
  handle(name: string, method: string, args: unknown[]): void {
    const life = this.#wake(name);
    this.current = life;
    void Promise.resolve(life.instance[method]?.(...args)).catch((error: unknown) => {
      if (!life.dead) this.violate(`${name} ${method} failed: ${String(error)}`);
    });
  }

  /** The names of objects of a class that exist. */
  names(className: ClassName): string[] {
    return [...this.#objects].flatMap(([name, object]) => (object.className === className ? [name] : []));
  }

  storageOf(name: string): SimStorage {
    return this.#stored(name).storage;
  }

  /** The bindings and variables of a release's deployment. */
  envOf(release: NamedRelease): Cloudflare.Env {
    const env = this.#envs.get(release) ?? { ...release.variables, ...this.env };
    this.#envs.set(release, env);
    return env;
  }

  /** How often an object has lost its memory. */
  endsOf(name: string): number {
    return this.#stored(name).ends;
  }

  /** Memory is lost, sockets and storage stay. False where the object has something to do. */
  sleep(name: string): boolean {
    const { life } = this.#stored(name);
    if (life === undefined || life.waiting > 0 || life.working.size > 0 || life.alarmRuns) return false;
    this.note(`${name} sleeps`);
    life.dead = true;
    this.#stored(name).life = undefined;
    this.#stored(name).ends += 1;
    return true;
  }

  /** Memory and sockets are lost; `silenced`: also what it sent and has not arrived. Its callers hear an error. */
  crash(name: string, silenced: boolean): void {
    const stored = this.#stored(name);
    const { life } = stored;
    this.note(`${name} crashes${silenced ? ", silenced" : ""}`);
    for (const socket of stored.sockets) socket.die();
    stored.sockets.clear();
    if (life === undefined) return;
    life.dead = true;
    life.silenced = silenced;
    stored.life = undefined;
    stored.ends += 1;
    for (const fail of life.working) fail(new Error("the object has died"));
    // The runtime repeats an alarm that did not end.
    if (life.alarmRuns) void stored.storage.setAlarm(stored.storage.alarmAt ?? this.clock.now + 1_000);
  }

  /** Deploys the other release: an object that is awake dies within the rollout's time, unless it sleeps before. */
  deploy(): void {
    this.note(`the other release is deployed, and resets objects within ${this.#rollout.resetWithinMs} ms`);
    this.#rollout.deploy();
    for (const [name, object] of this.#objects) {
      const { life } = object;
      if (life === undefined) continue;
      const { afterMs, silenced } = this.#rollout.drawReset();
      this.clock.after(afterMs, () => {
        if (object.life === life) this.crash(name, silenced);
      });
    }
  }

  forgetSocket(socket: ServerSocket): void {
    if (socket.owner !== undefined) this.#stored(socket.owner).sockets.delete(socket);
  }

  close(): void {
    for (const { storage } of this.#objects.values()) storage.close();
  }

  #call(name: string, method: string, args: unknown[]): Promise<unknown> {
    const caller = this.current;
    const isFetch = method === "fetch";
    const sent = isFetch ? args : structuredClone(args);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    caller.waiting += 1;
    const back = (settle: () => void, from?: Life): void => {
      this.clock.after(this.#delay(), () => {
        caller.waiting -= 1;
        if (caller.dead) return;
        this.current = caller;
        if (from?.silenced === true) reject(new Error("the object has died"));
        else settle();
      });
    };
    const fail = (error: Error): void => back(() => reject(error));
    const isLost = this.random.chance(this.weather.lost);
    const answerIsLost = this.random.chance(this.weather.answerLost);
    this.clock.after(this.#delay(), () => {
      if (isLost || caller.silenced) return fail(new Error("the network lost a call"));
      const life = this.#wake(name);
      this.current = life;
      this.note(`${caller.name} -> ${name} ${method} ${this.#trace === undefined ? "" : show(sent)}`);
      if (caller.release !== undefined && caller.release !== life.release) this.callsBetweenReleases += 1;
      const dies = (error: Error): void => {
        life.working.delete(dies);
        fail(error);
      };
      life.working.add(dies);
      const answered = (settle: () => void): void => {
        if (!life.working.delete(dies)) return;
        if (answerIsLost) fail(new Error("the network lost an answer"));
        else back(settle, life);
      };
      Promise.resolve()
        .then(() => {
          if (life.instance[method] === undefined) throw new TypeError(`${name} has no method ${method}`);
          return life.instance[method](...sent);
        })
        .then(
          (value) => {
            const answer = isFetch ? value : structuredClone(value);
            return answered(() => resolve(answer));
          },
          (error: unknown) =>
            answered(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
    });
    return promise;
  }

  #delay(): number {
    if (this.random.chance(this.weather.late)) return this.random.int(100, 12_000);
    return this.random.int(1, 20);
  }

  #stored(name: string): Stored {
    let stored = this.#objects.get(name);
    if (stored === undefined) {
      const className = BINDINGS[name.slice(0, name.indexOf(" "))];
      if (className === undefined) throw new Error(`no binding has an object ${name}`);
      const storage = new SimStorage();
      storage.onAlarm = (at) => this.clock.at(at, () => this.#alarm(name, at));
      stored = { className, storage, sockets: new Set(), life: undefined, ends: 0 };
      this.#objects.set(name, stored);
    }
    return stored;
  }

  #wake(name: string): Life {
    const stored = this.#stored(name);
    if (stored.life !== undefined) return stored.life;
    const release = this.#rollout.forNewLife();
    if (this.#rollout.kind !== "none") this.note(`${name} begins a life of ${release.name}`);
    const life = newLife({ name, release, instance: {} });
    const before = this.current;
    this.current = life;
    const Class = this.#classOf(release, stored.className);
    const ctx = {
      id: { name: name.slice(name.indexOf(" ") + 1) },
      storage: stored.storage,
      waitUntil: (promise: Promise<unknown>) => void promise.catch(() => undefined),
      abort: () => this.crash(name, false),
      setWebSocketAutoResponse: () => undefined,
      acceptWebSocket: (socket: ServerSocket) => {
        socket.owner = name;
        stored.sockets.add(socket);
      },
      getWebSockets: () => [...stored.sockets],
      getWebSocketAutoResponseTimestamp: (socket: ServerSocket) =>
        socket.answeredAt === 0 ? null : new Date(socket.answeredAt),
    };
    const alive = Object.assign(life, { instance: new Class(ctx, this.envOf(release)) });
    this.current = before;
    stored.life = alive;
    return alive;
  }

  #classOf(release: NamedRelease, className: ClassName): new (ctx: unknown, env: unknown) => Instance {
    const classes = this.#classes.get(release) ?? release.code.classesWith(this.#hooks);
    this.#classes.set(release, classes);
    return classes[className] as new (ctx: unknown, env: unknown) => Instance;
  }

  /** Alarms of one object never overlap: one that comes due in another waits for its end. */
  #alarm(name: string, at: number): void {
    const { storage, life: running } = this.#stored(name);
    if (storage.alarmAt !== at || running?.alarmRuns === true) return;
    storage.alarmAt = null;
    const life = this.#wake(name);
    this.current = life;
    this.note(`${name} alarm`);
    life.alarmRuns = true;
    const ended = (): void => {
      life.alarmRuns = false;
      const { alarmAt } = storage;
      if (!life.dead && alarmAt !== null) this.clock.at(alarmAt, () => this.#alarm(name, alarmAt));
    };
    void Promise.resolve(life.instance["alarm"]?.()).then(ended, (error: unknown) => {
      ended();
      if (!life.dead) this.violate(`${name} alarm failed: ${String(error)}`);
    });
  }

  #count(): void {
    this.events += 1;
    const at = Math.floor(this.clock.now / 1_000);
    if (at !== this.#second.at) this.#second = { at, events: 0 };
    this.#second.events += 1;
    if (this.#second.events > HOT_LOOP_EVENTS_A_SECOND) this.violate("a hot loop");
  }
}

const newLife = (of: Pick<Life, "name" | "release" | "instance">): Life => ({
  ...of,
  dead: false,
  silenced: false,
  waiting: 0,
  working: new Set(),
  alarmRuns: false,
});

const show = (args: unknown[]): string => (JSON.stringify(args) ?? "").slice(0, 300);

/** The real one: virtual time has its own. */
const realImmediate = setImmediate;
/** Until no promise is left that can go on. */
const settled = (): Promise<void> => new Promise((resolve) => void realImmediate(resolve));
