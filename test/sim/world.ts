import { Clock } from "./clock.ts";
import { bytesOf, PLATFORM } from "./platform-limits.ts";
import { Random } from "./random.ts";
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

/** One life of an object in memory. The timers and calls of a life end with it. */
type Life = {
  readonly name: string;
  /** The release whose code the life runs; clients and back ends have none. */
  readonly release: NamedRelease | undefined;
  readonly instance: Instance;
  dead: boolean;
  /** The messages that the life has sent, and that have not arrived, are lost. */
  silenced: boolean;
  /** The number of timers and calls that the life waits for. The object sleeps at 0 only. */
  waiting: number;
  /** The calls that the life has not answered, each as a function that fails the call. */
  readonly working: Set<(error: Error) => void>;
  alarmRuns: boolean;
  /** The frames of each socket whose handler has not ended. */
  readonly waitingFrames: WeakMap<ServerSocket, number>;
};

/** What comes in from outside an object. The calls that follow from it are counted together. */
type Event = { subrequests: number };

type Instance = Record<string, (...args: unknown[]) => unknown>;

type SimObject = {
  readonly className: ClassName;
  readonly storage: SimStorage;
  readonly sockets: Set<ServerSocket>;
  life: Life | undefined;
  /** How often a sleep or a crash has ended a life. */
  memoryLosses: number;
  crashes: number;
  mostQueuedBytes: number;
  mostWaitingFrames: number;
};

/** The faults of the network between objects, each a probability for a call. */
export type NetworkFaults = { readonly lost: number; readonly answerLost: number; readonly late: number };
export const NO_FAULTS: NetworkFaults = { lost: 0, answerLost: 0, late: 0 };

/** A call that has ended. `answer` has what the object answered, or `error` what it threw. */
export type EndedCall = {
  readonly name: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly answer?: unknown;
  readonly error?: unknown;
  /** The life that has made the call ended before the object had it. */
  readonly callerHasEnded: boolean;
};

/** A stranger's flood has more frames than any loop of ours has calls, timers and alarms. */
const HOT_LOOP_EVENTS_A_SECOND = { own: 4_000, frames: 60_000 } as const;

/**
 * The platform in one thread: objects with storage and sockets, calls between objects as messages that take time, and
 * a virtual clock. The objects run the code that ships.
 *
 * An event is a message, timer, frame or alarm of one object. Until the next event all code that runs belongs to that
 * object, and `current` is its life.
 */
export class World {
  readonly clock = new Clock();
  readonly random: Random;
  /** Decides what the platform does by itself. Its numbers are apart, so that it changes no other decision. */
  readonly fate: Random;
  /** Whether the runtime has `bufferedAmount`, as it does from November 2026 on. */
  countsQueuedBytes = false;
  /** The bindings, which are the same in each release. */
  readonly env: Cloudflare.Env;
  readonly #rollout: Rollout;
  readonly #hooks: Hooks;
  readonly #envs = new Map<NamedRelease, Cloudflare.Env>();
  readonly #classes = new Map<NamedRelease, Readonly<Record<ClassName, unknown>>>();
  readonly #objects = new Map<string, SimObject>();
  /** The life of clients and back ends, which never ends. */
  readonly #outside: Life;
  current: Life;
  /** The event from which the present code follows. */
  #event: Event = { subrequests: 0 };
  /** How many calls one event may make: the limit of the account's plan. */
  subrequests: number = PLATFORM.subrequests.paid;
  faults: NetworkFaults = NO_FAULTS;
  events = 0;
  /** How many alarms have run, and how many calls have been made. */
  alarms = 0;
  calls = 0;
  /** More events than these are a broken law: the world should have been silent. */
  mostEvents = Infinity;
  /** The number of calls from an object of one release to an object of the other. */
  callsBetweenReleases = 0;
  #second = { at: 0, own: 0, frames: 0 };
  #isFrame = false;
  readonly violations: string[] = [];
  /** Hears of each call that an object has answered. */
  onCall: ((call: EndedCall) => void) | undefined;
  /** Hears of each answer that has reached its caller. */
  onReturn: ((call: EndedCall) => void) | undefined;
  /** Answers a call in place of the object; undefined leaves the call to the object. */
  answerFor:
    | ((name: string, method: string, args: readonly unknown[]) => Promise<unknown> | undefined)
    | undefined;
  /** Resolves when no promise can go on. */
  settled: () => Promise<void> = settled;
  #trace: string[] | undefined;

  constructor(
    random: Random,
    options: {
      readonly trace: boolean;
      readonly hooks: Hooks;
      readonly rollout: Rollout;
      readonly fate?: Random;
    },
  ) {
    this.random = random;
    this.fate = options.fate ?? new Random(1);
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

  /** Runs the events in order until the time `until`, or until the first broken law. */
  async run(until: number): Promise<void> {
    for (;;) {
      if (this.violations.length > 0) return;
      const event = this.clock.next(until);
      if (event === undefined) break;
      this.#enter(this.#outside);
      event();
      await this.settled();
      this.#count();
    }
    this.clock.now = until;
    this.current = this.#outside;
  }

  /** Runs something as clients and back ends. */
  outside(run: () => void): void {
    this.#enter(this.#outside);
    run();
  }

  /**
   * The platform has refused something. Code that ships today MUST NOT ask for it (SPEC BD70); the release before may,
   * and so may a client.
   */
  refused(what: string, life = this.current): void {
    this.note(`the platform refuses ${life.name}: ${what}`);
    if (life.release !== undefined && life.release.name === this.#rollout.present.name)
      this.violate(`the platform refuses ${life.name}: ${what} (SPEC BD70)`);
  }

  setTimer(run: () => void, ms: number): { cancel(): void } {
    const life = this.current;
    const event = this.#event;
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
      this.#enter(life, event);
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

  /** The present event is a frame of a socket. */
  isFrame(): void {
    this.#isFrame = true;
  }

  /** Calls an object with an event of its socket. */
  handle(name: string, method: string, args: unknown[]): void {
    const life = this.#wake(name);
    this.#enter(life);
    const [socket] = args as [ServerSocket];
    const waiting = (life.waitingFrames.get(socket) ?? 0) + 1;
    life.waitingFrames.set(socket, waiting);
    const object = this.#object(name);
    object.mostWaitingFrames = Math.max(object.mostWaitingFrames, waiting);
    void Promise.resolve(life.instance[method]?.(...args))
      .catch((error: unknown) => {
        if (!life.dead) this.violate(`${name} ${method} failed: ${String(error)}`);
      })
      .finally(() => life.waitingFrames.set(socket, (life.waitingFrames.get(socket) ?? 1) - 1));
  }

  /** Tells an object that a peer has ended a connection. A life that began after a crash has never had the socket. */
  tellClose(name: string, socket: ServerSocket, code: number): void {
    if (this.#object(name).crashes !== socket.crashesBefore) return;
    this.handle(name, "webSocketClose", [socket, code, "", code !== 1006]);
  }

  /** The names of all objects of a class. */
  names(className: ClassName): string[] {
    return [...this.#objects].flatMap(([name, object]) => (object.className === className ? [name] : []));
  }

  storageOf(name: string): SimStorage {
    return this.#object(name).storage;
  }

  /** The sockets that an object has, also while it sleeps. */
  socketsOf(name: string): ReadonlySet<ServerSocket> {
    return this.#object(name).sockets;
  }

  /** Gives a sleeping object a socket that an earlier life has accepted. */
  addSocket(name: string, socket: ServerSocket): void {
    socket.owner = name;
    socket.crashesBefore = this.#object(name).crashes;
    this.#object(name).sockets.add(socket);
  }

  /** The bindings and variables of a release's deployment. */
  envOf(release: NamedRelease): Cloudflare.Env {
    const env = this.#envs.get(release) ?? { ...release.variables, ...this.env };
    this.#envs.set(release, env);
    return env;
  }

  /** How often an object has lost its memory, by sleep or crash. */
  memoryLossesOf(name: string): number {
    return this.#object(name).memoryLosses;
  }

  /** Ends a life but keeps sockets and storage. False, and nothing changes, where the object is busy. */
  sleep(name: string): boolean {
    const { life } = this.#object(name);
    if (life === undefined || life.waiting > 0 || life.working.size > 0 || life.alarmRuns) return false;
    this.note(`${name} sleeps`);
    life.dead = true;
    this.#object(name).life = undefined;
    const object = this.#object(name);
    object.memoryLosses += 1;
    for (const socket of object.sockets) socket.slept();
    return true;
  }

  /**
   * Ends a life and breaks the sockets. Callers get an error. `silenced`: the messages that the object has sent, and
   * that have not arrived, are lost too.
   */
  crash(name: string, silenced: boolean): void {
    const object = this.#object(name);
    const { life } = object;
    this.note(`${name} crashes${silenced ? ", silenced" : ""}`);
    object.crashes += 1;
    for (const socket of object.sockets) socket.die();
    object.sockets.clear();
    if (life === undefined) return;
    life.dead = true;
    life.silenced = silenced;
    object.life = undefined;
    object.memoryLosses += 1;
    for (const fail of life.working) fail(new Error("the object has died"));
    if (life.alarmRuns) this.#alarmFailed(name);
  }

  /**
   * Deploys the other release. An object crashes within `resetWithinMs` unless it begins a new life before; then it
   * keeps its sockets. An object that sleeps until its crash loses its sockets alone.
   */
  deploy(): void {
    this.note(`deployment of the other release, resets within ${this.#rollout.resetWithinMs} ms`);
    this.#rollout.deploy();
    for (const [name, object] of this.#objects) {
      const { life } = object;
      const { afterMs, silenced } = this.#rollout.drawReset();
      this.clock.after(afterMs, () => {
        if (object.life === life) this.crash(name, silenced);
      });
    }
  }

  /** The most bytes that were ever queued for one socket of an object. */
  mostQueuedBytesOf(name: string): number {
    return this.#object(name).mostQueuedBytes;
  }

  /** The most frames of one socket that ever waited. */
  mostWaitingFramesOf(name: string): number {
    return this.#object(name).mostWaitingFrames;
  }

  noteQueuedBytes(name: string, bytes: number): void {
    const object = this.#object(name);
    object.mostQueuedBytes = Math.max(object.mostQueuedBytes, bytes);
  }

  /** An object that stores nothing and does nothing disappears. */
  forgetUnused(): void {
    for (const [name, { life, sockets, storage }] of this.#objects) {
      const isIdle = life === undefined || (life.waiting === 0 && life.working.size === 0);
      const { rows, tables } = storage.size();
      if (!isIdle || sockets.size > 0 || storage.alarmAt !== null || rows + tables > 0) continue;
      storage.close();
      this.#objects.delete(name);
    }
  }

  forgetSocket(socket: ServerSocket): void {
    if (socket.owner !== undefined) this.#object(socket.owner).sockets.delete(socket);
  }

  close(): void {
    for (const { storage } of this.#objects.values()) storage.close();
  }

  #call(name: string, method: string, args: unknown[]): Promise<unknown> {
    const caller = this.current;
    const event = this.#event;
    const isFetch = method === "fetch";
    event.subrequests += 1;
    this.calls += 1;
    if (caller.release !== undefined && event.subrequests > this.subrequests) {
      this.refused(
        `more than ${this.subrequests} calls follow from one event, the last to ${name} ${method}`,
      );
      return Promise.reject(new Error("Too many subrequests."));
    }
    const tooLarge = isFetch ? undefined : this.#tooLarge(args, `a call of ${name} ${method}`);
    if (tooLarge !== undefined) return Promise.reject(tooLarge);
    const sent = isFetch ? args : structuredClone(args);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    caller.waiting += 1;
    const back = (settle: () => void, from?: Life): void => {
      this.clock.after(this.#delay(), () => {
        caller.waiting -= 1;
        if (caller.dead) return;
        this.#enter(caller, event);
        if (from?.silenced === true) reject(new Error("the object has died"));
        else settle();
      });
    };
    const fail = (error: Error): void => back(() => reject(error));
    const isLost = this.random.chance(this.faults.lost);
    const answerIsLost = this.random.chance(this.faults.answerLost);
    this.clock.after(this.#delay(), () => {
      if (isLost || caller.silenced) return fail(new Error("the network lost a call"));
      const life = this.#wake(name);
      const callerHasEnded = caller.dead;
      this.#enter(life);
      this.note(`${caller.name} -> ${name} ${method} ${this.#trace === undefined ? "" : textOf(sent)}`);
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
          const instead = this.answerFor?.(name, method, sent);
          if (instead !== undefined) return instead;
          if (life.instance[method] === undefined)
            throw new TypeError(`The RPC receiver does not implement the method "${method}".`);
          return life.instance[method](...sent);
        })
        .then(
          (value) => {
            const failure = isFetch ? undefined : this.#tooLarge(value, `the answer to ${method}`, life);
            if (failure !== undefined) return answered(() => reject(failure));
            const answer = isFetch ? value : structuredClone(value);
            const ended = { name, method, args: sent, answer, callerHasEnded };
            this.onCall?.(ended);
            return answered(() => {
              this.onReturn?.(ended);
              resolve(answer);
            });
          },
          (error: unknown) => {
            this.onCall?.({ name, method, args: sent, error, callerHasEnded });
            answered(() => reject(asError(error)));
          },
        );
    });
    return promise;
  }

  #tooLarge(value: unknown, what: string, life = this.current): Error | undefined {
    const bytes = bytesOf(value);
    if (bytes <= PLATFORM.callBytes) return undefined;
    this.refused(`${what} has ${bytes} bytes`, life);
    return new Error(
      `Serialized RPC arguments or return values are limited to 32MiB, and this has ${bytes} bytes.`,
    );
  }

  /** From now on the code that runs belongs to this life and follows from this event. */
  #enter(life: Life, event: Event = { subrequests: 0 }): void {
    this.current = life;
    this.#event = event;
  }

  #delay(): number {
    if (this.random.chance(this.faults.late)) return this.random.int(100, 12_000);
    return this.random.int(1, 20);
  }

  #object(name: string): SimObject {
    let object = this.#objects.get(name);
    if (object === undefined) {
      const className = BINDINGS[name.slice(0, name.indexOf(" "))];
      if (className === undefined) throw new Error(`no binding has an object ${name}`);
      const storage = new SimStorage();
      storage.onAlarm = (at) => this.clock.at(at, () => this.#alarm(name, at));
      storage.onRefused = (what) => this.refused(what);
      object = {
        className,
        storage,
        sockets: new Set(),
        life: undefined,
        memoryLosses: 0,
        crashes: 0,
        mostQueuedBytes: 0,
        mostWaitingFrames: 0,
      };
      this.#objects.set(name, object);
    }
    return object;
  }

  #wake(name: string): Life {
    const object = this.#object(name);
    if (object.life !== undefined) return object.life;
    const release = this.#rollout.forNewLife();
    if (this.#rollout.kind !== "none") this.note(`${name} begins a life of ${release.name}`);
    const life = newLife({ name, release, instance: {} });
    const before = this.current;
    this.current = life;
    const Class = this.#classOf(release, object.className);
    const ctx = {
      id: { name: name.slice(name.indexOf(" ") + 1) },
      storage: object.storage,
      waitUntil: (promise: Promise<unknown>) => void promise.catch(() => undefined),
      blockConcurrencyWhile: <T>(run: () => Promise<T>): Promise<T> => run(),
      abort: () => this.crash(name, false),
      setWebSocketAutoResponse: () => undefined,
      acceptWebSocket: (socket: ServerSocket, tags: readonly string[] = []) => {
        if (object.sockets.size >= PLATFORM.sockets)
          throw new Error("only 32768 websockets can be accepted on a single Durable Object instance");
        if (tags.length > PLATFORM.tags || tags.some(({ length }) => length > PLATFORM.tagChars))
          throw new TypeError("too many tags, or a tag that is too long");
        socket.tags = tags;
        this.addSocket(name, socket);
      },
      // The newest first, and the oldest first with a tag.
      getWebSockets: (tag?: string) => {
        const listed = [...object.sockets].filter(({ isListed }) => isListed);
        return tag === undefined ? listed.toReversed() : listed.filter(({ tags }) => tags.includes(tag));
      },
      getTags: (socket: ServerSocket) => [...socket.tags],
      getWebSocketAutoResponseTimestamp: (socket: ServerSocket) =>
        socket.answeredAt === 0 ? null : new Date(socket.answeredAt),
    };
    const alive = Object.assign(life, { instance: new Class(ctx, this.envOf(release)) });
    this.current = before;
    object.life = alive;
    return alive;
  }

  #classOf(release: NamedRelease, className: ClassName): new (ctx: unknown, env: unknown) => Instance {
    const classes = this.#classes.get(release) ?? release.code.classesWith(this.#hooks);
    this.#classes.set(release, classes);
    return classes[className] as new (ctx: unknown, env: unknown) => Instance;
  }

  /** Runs an alarm. An alarm that comes due while another runs waits for the end of that one. */
  #alarm(name: string, at: number): void {
    const { storage, life: running } = this.#object(name);
    if (storage.alarmAt !== at || running?.alarmRuns === true) return;
    storage.alarmAt = null;
    const life = this.#wake(name);
    this.#enter(life);
    this.note(`${name} alarm`);
    life.alarmRuns = true;
    this.alarms += 1;
    const ended = (error?: Error): void => {
      life.alarmRuns = false;
      if (life.dead) return;
      const { alarmAt } = storage;
      if (error === undefined) {
        if (alarmAt !== null) this.clock.at(alarmAt, () => this.#alarm(name, alarmAt));
        storage.alarmFailures = 0;
        return;
      }
      this.#alarmFailed(name);
      this.violate(`${name} alarm failed: ${error.message}`);
    };
    void Promise.resolve(life.instance["alarm"]?.()).then(
      () => ended(),
      (error: unknown) => ended(asError(error)),
    );
  }

  /** The platform repeats an alarm that did not end, a few times. */
  #alarmFailed(name: string): void {
    const { storage } = this.#object(name);
    const { alarmAt } = storage;
    // The run had set the next alarm, which may have come due meanwhile.
    if (alarmAt !== null) return void this.clock.at(alarmAt, () => this.#alarm(name, alarmAt));
    if (!storage.repeatAlarm(this.clock.now)) this.note(`the platform gives up the alarm of ${name}`);
  }

  #count(): void {
    this.events += 1;
    if (this.events === this.mostEvents) this.violate("the cluster is idle, and not silent (SPEC BD73)");
    const at = Math.floor(this.clock.now / 1_000);
    if (at !== this.#second.at) this.#second = { at, own: 0, frames: 0 };
    const kind = this.#isFrame ? "frames" : "own";
    this.#isFrame = false;
    this.#second[kind] += 1;
    if (this.#second[kind] > HOT_LOOP_EVENTS_A_SECOND[kind])
      this.violate(`a hot loop: too many events in one second (${kind})`);
  }
}

const newLife = (of: Pick<Life, "name" | "release" | "instance">): Life => ({
  ...of,
  dead: false,
  silenced: false,
  waiting: 0,
  working: new Set(),
  waitingFrames: new WeakMap(),
  alarmRuns: false,
});

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const textOf = (args: unknown[]): string => (JSON.stringify(args) ?? "").slice(0, 300);

/** The `setImmediate` of the process. */
const realImmediate = setImmediate;
/** Resolves when no promise can go on. */
const settled = (): Promise<void> => new Promise((resolve) => void realImmediate(resolve));
