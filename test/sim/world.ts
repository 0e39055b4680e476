import { Alarms } from "./alarms.ts";
import { Clock } from "./clock.ts";
import { bindingsOf, borrow, giveBack, type Deployment } from "./deployments.ts";
import { EventCount } from "./event-count.ts";
import { isIdle, newLife, type Event, type Instance, type Life } from "./life.ts";
import { Network } from "./network.ts";
import { contextOf } from "./object-context.ts";
import { Objects, type SimObject } from "./objects.ts";
import { Random } from "./random.ts";
import type { Classes, Hooks } from "./release.ts";
import type { NamedRelease } from "./releases.ts";
import type { Rollout } from "./rollout.ts";
import type { ServerSocket } from "./sockets.ts";
import { isFailedWrite } from "./storage.ts";

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
  readonly #variables: NamedRelease["variables"] | undefined;
  readonly #deployments = new Map<NamedRelease, Deployment>();
  readonly #stubs = new Map<string, object>();
  readonly network = new Network(this);
  readonly alarms = new Alarms(this);
  readonly events = new EventCount();
  readonly objects = new Objects((name, object) => this.#hasNew(name, object));
  /** The life of clients and back ends, which never ends. */
  readonly #outside: Life;
  current: Life;
  /** The event from which the present code follows. */
  event: Event = { subrequests: 0 };
  readonly violations: string[] = [];
  /** How often each kind of fault came. */
  readonly faults = new Map<string, number>();
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
      /** The variables of the present release, in place of its own. */
      readonly variables?: NamedRelease["variables"];
    },
  ) {
    this.random = random;
    this.fate = options.fate ?? new Random(1);
    this.#rollout = options.rollout;
    this.#hooks = options.hooks;
    this.#variables = options.variables;
    this.#outside = newLife({ name: "outside", release: undefined, instance: {} });
    this.current = this.#outside;
    this.#trace = options.trace ? [] : undefined;
    this.env = bindingsOf(() => this);
  }

  get isTraced(): boolean {
    return this.#trace !== undefined;
  }

  get trace(): readonly string[] {
    return this.#trace ?? [];
  }

  note(what: string): void {
    this.#trace?.push(`${((this.clock.now - 1_800_000_000_000) / 1_000).toFixed(3)} ${what}`);
  }

  countFault(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
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
      this.enter(this.#outside);
      event();
      await this.settled();
      const broken = this.events.add(this.clock.now);
      if (broken !== undefined) this.violate(broken);
    }
    this.clock.now = until;
    this.current = this.#outside;
  }

  /** Runs something as clients and back ends. */
  outside(run: () => void): void {
    this.enter(this.#outside);
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
    const event = this.event;
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
      this.enter(life, event);
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
    const known = this.#stubs.get(name);
    if (known !== undefined) return known;
    const stub = new Proxy(
      // It is no plain object, so it cannot be sent in a call.
      Object.create(STUB) as object,
      {
        get: (_, method) =>
          method === "then"
            ? undefined
            : (...args: unknown[]) => this.network.call(name, String(method), args),
      },
    );
    this.#stubs.set(name, stub);
    return stub;
  }

  /** Calls an object with an event of its socket. */
  handle(name: string, method: string, args: unknown[]): void {
    const life = this.wake(name);
    this.enter(life);
    const [socket] = args as [ServerSocket];
    const waiting = (life.waitingFrames.get(socket) ?? 0) + 1;
    life.waitingFrames.set(socket, waiting);
    const object = this.objects.of(name);
    object.mostWaitingFrames = Math.max(object.mostWaitingFrames, waiting);
    void promised(() => life.instance[method]?.(...args))
      .catch((error: unknown) => {
        if (!life.dead && !isFailedWrite(error)) this.violate(`${name} ${method} failed: ${String(error)}`);
      })
      .finally(() => life.waitingFrames.set(socket, (life.waitingFrames.get(socket) ?? 1) - 1));
  }

  /** Tells an object that a peer has ended a connection. A life that began after a crash has never had the socket. */
  tellClose(name: string, socket: ServerSocket, code: number): void {
    if (this.objects.of(name).crashes !== socket.crashesBefore) return;
    this.handle(name, "webSocketClose", [socket, code, "", code !== 1006]);
  }

  /** Gives a sleeping object a socket that an earlier life has accepted. */
  addSocket(name: string, socket: ServerSocket): void {
    socket.owner = name;
    socket.crashesBefore = this.objects.of(name).crashes;
    this.objects.of(name).sockets.add(socket);
  }

  /** The bindings and variables of a release's deployment. */
  envOf(release: NamedRelease): Cloudflare.Env {
    return this.#deploymentOf(release).env;
  }

  #deploymentOf(release: NamedRelease): Deployment {
    const known = this.#deployments.get(release);
    if (known !== undefined) return known;
    const isPresent = release.name === this.#rollout.present.name;
    const variables = isPresent ? (this.#variables ?? release.variables) : release.variables;
    const deployment = borrow(release, { variables, world: this, hooks: this.#hooks });
    this.#deployments.set(release, deployment);
    return deployment;
  }

  /** Ends the world: what is dear to make serves the next one. */
  close(): void {
    this.objects.close();
    for (const deployment of this.#deployments.values()) giveBack(deployment);
    this.#deployments.clear();
  }

  /** Ends a life but keeps sockets and storage. False, and nothing changes, where the object is busy. */
  sleep(name: string): boolean {
    const object = this.objects.of(name);
    const { life } = object;
    if (life === undefined || !isIdle(life)) return false;
    this.note(`${name} sleeps`);
    this.countFault(`${object.className.toLowerCase()} put to sleep`);
    life.dead = true;
    object.life = undefined;
    object.memoryLosses += 1;
    for (const socket of object.sockets) socket.slept();
    return true;
  }

  /**
   * Ends a life and breaks the sockets. Callers get an error. `silenced`: the messages that the object has sent, and
   * that have not arrived, are lost too.
   */
  crash(name: string, { silenced = false }: { readonly silenced?: boolean } = {}): void {
    const object = this.objects.of(name);
    const { life } = object;
    this.note(`${name} crashes${silenced ? ", silenced" : ""}`);
    this.countFault(
      `${object.className.toLowerCase()} crashed${silenced ? ", and what it had sent was lost" : ""}`,
    );
    object.crashes += 1;
    for (const socket of object.sockets) socket.die();
    object.sockets.clear();
    if (life === undefined) return;
    life.dead = true;
    life.silenced = silenced;
    object.life = undefined;
    object.memoryLosses += 1;
    for (const fail of life.working) fail(new Error("the object has died"));
    if (life.alarmRuns) this.alarms.failed(name);
  }

  /**
   * Deploys the other release. An object crashes within `resetWithinMs` unless it begins a new life before; then it
   * keeps its sockets. An object that sleeps until its crash loses its sockets alone.
   */
  deploy(): void {
    this.note(`deployment of the other release, resets within ${this.#rollout.resetWithinMs} ms`);
    this.#rollout.deploy();
    this.countFault("deployment of another release");
    for (const [name, object] of this.objects) {
      const { life } = object;
      const { afterMs, silenced } = this.#rollout.drawReset();
      this.clock.after(afterMs, () => {
        if (object.life === life) this.crash(name, { silenced });
      });
    }
  }

  /** From now on the code that runs belongs to this life and follows from this event. */
  enter(life: Life, event: Event = { subrequests: 0 }): void {
    this.current = life;
    this.event = event;
  }

  #hasNew(name: string, { storage }: SimObject): void {
    storage.onAlarm = (at) => this.alarms.set(name, at);
    storage.onRefused = (what) => this.refused(what);
  }

  /** The life of an object, which begins now where the object has none. */
  wake(name: string): Life {
    const object = this.objects.of(name);
    if (object.life !== undefined) return object.life;
    const release = this.#rollout.forNewLife();
    if (this.#rollout.kind !== "none") this.note(`${name} begins a life of ${release.name}`);
    const life = newLife({ name, release, instance: {} });
    const before = this.current;
    this.current = life;
    const Class = this.#classOf(release, object.className);
    // A constructor that throws is the end of a life, as any crash is.
    const { storage } = object;
    const { failsAfter } = storage;
    storage.failsAfter = undefined;
    const alive = Object.assign(life, {
      instance: new Class(contextOf(this, name, object), this.envOf(release)),
    });
    storage.failsAfter = failsAfter;
    this.current = before;
    object.life = alive;
    return alive;
  }

  #classOf(release: NamedRelease, className: keyof Classes): new (ctx: unknown, env: unknown) => Instance {
    return this.#deploymentOf(release).classes[className] as new (ctx: unknown, env: unknown) => Instance;
  }
}

/** What a method of an object answers; a throw is a rejection, as the platform takes it. */
export function promised<Answer>(call: () => Answer): Promise<Awaited<Answer>> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The prototype of stubs. */
const STUB = Object.freeze({});

/** Resolves when no promise can go on: a tick comes after all of them. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
