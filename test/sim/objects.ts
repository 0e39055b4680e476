import type { Life } from "./life.ts";
import type { Classes } from "./release.ts";
import type { ServerSocket } from "./sockets.ts";
import { SimStorage } from "./storage.ts";

/** The bindings of a deployment, each with the class of its objects. An object is named by its binding and its id. */
const CLASSES: Readonly<Record<string, keyof Classes>> = {
  SHARD: "Shard",
  CHANNEL: "Channel",
  COORDINATOR: "Coordinator",
  SHARD_SOCKETIO: "SocketIoShard",
};
/** The bindings of each deployment. */
export const BINDINGS = ["SHARD", "CHANNEL", "COORDINATOR"] as const;
export const SOCKETIO_BINDING = "SHARD_SOCKETIO";

/** An object and everything of it that outlives a life in memory. */
export type SimObject = {
  readonly className: keyof Classes;
  readonly storage: SimStorage;
  /** The object has them also while it sleeps. */
  readonly sockets: Set<ServerSocket>;
  life: Life | undefined;
  /** The frame that the platform answers without the object. */
  answeredAlone: string | undefined;
  /** How often a sleep or a crash has ended a life. */
  memoryLosses: number;
  crashes: number;
  /** The most bytes that were ever queued for one socket. */
  mostQueuedBytes: number;
  /** The most frames of one socket that ever waited. */
  mostWaitingFrames: number;
};

/** The objects of a world by name. An object exists from the first time that somebody names it. */
export class Objects {
  readonly #objects = new Map<string, SimObject>();
  readonly #onNew: (name: string, object: SimObject) => void;

  constructor(onNew: (name: string, object: SimObject) => void) {
    this.#onNew = onNew;
  }

  of(name: string): SimObject {
    const known = this.#objects.get(name);
    if (known !== undefined) return known;
    const className = CLASSES[name.slice(0, name.indexOf(" "))];
    if (className === undefined) throw new Error(`no binding has an object ${name}`);
    const object: SimObject = {
      className,
      storage: new SimStorage(),
      sockets: new Set(),
      life: undefined,
      answeredAlone: undefined,
      memoryLosses: 0,
      crashes: 0,
      mostQueuedBytes: 0,
      mostWaitingFrames: 0,
    };
    this.#onNew(name, object);
    this.#objects.set(name, object);
    return object;
  }

  [Symbol.iterator](): Iterator<[string, SimObject]> {
    return this.#objects.entries();
  }

  /** The names of all objects of a class. */
  names(className: keyof Classes): string[] {
    return [...this.#objects].flatMap(([name, object]) => (object.className === className ? [name] : []));
  }

  /** An object that stores nothing and does nothing disappears. */
  forgetUnused(): void {
    for (const [name, { life, sockets, storage }] of this.#objects) {
      const isBusy = life !== undefined && (life.waiting > 0 || life.working.size > 0);
      if (isBusy || sockets.size > 0 || storage.alarmAt !== null) continue;
      const { rows, tables } = storage.size();
      if (rows + tables > 0) continue;
      storage.close();
      this.#objects.delete(name);
    }
  }

  close(): void {
    for (const { storage } of this.#objects.values()) storage.close();
  }
}
