import { clone } from "./clone.ts";
import type { Life } from "./life.ts";
import { bytesOver, PLATFORM } from "./platform-limits.ts";
import type { World } from "./world.ts";

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
  /** The name of the release whose code the object ran. */
  readonly release: string | undefined;
  /** The life that has made the call ended before the object had it. */
  readonly callerHasEnded: boolean;
};

/** A call whose answer has reached its caller, and how long the caller has waited for it. */
export type ReturnedCall = EndedCall & { readonly tookMs: number };

/** The calls between objects. A call and its answer are messages that take time and may be lost. */
export class Network {
  readonly #world: World;
  faults: NetworkFaults = NO_FAULTS;
  /** How many calls one event may make: the limit of the account's plan. */
  subrequests: number = PLATFORM.subrequests.paid;
  calls = 0;
  /** The number of calls from an object of one release to an object of the other. */
  callsBetweenReleases = 0;
  /** Hears of each call that an object has answered. */
  onCall: ((call: EndedCall) => void) | undefined;
  /** Hears of each answer that has reached its caller. */
  onReturn: ((call: ReturnedCall) => void) | undefined;
  /** Answers a call in place of the object; undefined leaves the call to the object. */
  answerFor:
    | ((name: string, method: string, args: readonly unknown[]) => Promise<unknown> | undefined)
    | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  call(name: string, method: string, args: unknown[]): Promise<unknown> {
    const world = this.#world;
    const { current: caller, event } = world;
    const isFetch = method === "fetch";
    event.subrequests += 1;
    this.calls += 1;
    if (caller.release !== undefined && event.subrequests > this.subrequests) {
      world.refused(
        `more than ${this.subrequests} calls follow from one event, the last to ${name} ${method}`,
      );
      return Promise.reject(new Error("Too many subrequests."));
    }
    const tooLarge = isFetch ? undefined : this.#tooLarge(args, `a call of ${name} ${method}`);
    if (tooLarge !== undefined) return Promise.reject(tooLarge);
    const sent = isFetch ? args : clone(args);
    const sentAt = world.clock.now;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    caller.waiting += 1;
    const back = (settle: () => void, from?: Life): void => {
      world.clock.after(this.#delay(), () => {
        caller.waiting -= 1;
        if (caller.dead) return;
        world.enter(caller, event);
        if (from?.silenced === true) reject(new Error("the object has died"));
        else settle();
      });
    };
    const fail = (error: Error): void => back(() => reject(error));
    const isLost = world.random.chance(this.faults.lost);
    const answerIsLost = world.random.chance(this.faults.answerLost);
    if (isLost) world.countFault("call lost");
    else if (answerIsLost) world.countFault("answer lost");
    world.clock.after(this.#delay(), () => {
      if (isLost || caller.silenced) return fail(new Error("the network lost a call"));
      const life = world.wake(name);
      const callerHasEnded = caller.dead;
      const release = life.release?.name;
      world.enter(life);
      if (world.isTraced) world.note(`${caller.name} -> ${name} ${method} ${textOf(sent)}`);
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
            const answer = isFetch ? value : clone(value);
            const ended = { name, method, args: sent, answer, release, callerHasEnded };
            this.onCall?.(ended);
            return answered(() => {
              this.onReturn?.({ ...ended, tookMs: world.clock.now - sentAt });
              resolve(answer);
            });
          },
          (error: unknown) => {
            this.onCall?.({ name, method, args: sent, error, release, callerHasEnded });
            answered(() => reject(asError(error)));
          },
        );
    });
    return promise;
  }

  #tooLarge(value: unknown, what: string, life = this.#world.current): Error | undefined {
    const bytes = bytesOver(value, PLATFORM.callBytes);
    if (bytes === undefined) return undefined;
    this.#world.refused(`${what} has ${bytes} bytes`, life);
    return new Error(
      `Serialized RPC arguments or return values are limited to 32MiB, and this has ${bytes} bytes.`,
    );
  }

  #delay(): number {
    const { random } = this.#world;
    if (!random.chance(this.faults.late)) return random.int(1, 20);
    this.#world.countFault("message late, up to 12 s");
    return random.int(100, 12_000);
  }
}

export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const textOf = (args: unknown[]): string => (JSON.stringify(args) ?? "").slice(0, 300);
