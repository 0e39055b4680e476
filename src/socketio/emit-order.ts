import type { Target } from "./question.ts";
import { shardOfSocket } from "./names.ts";

/**
 * The emits of one client begin in the order of its calls (SPEC SO61).
 *
 * Emits to the same rooms go on without waiting for each other, as each room's channel keeps their order. An emit to
 * other rooms than the one before waits until those before it have ended, and so does an emit to the id of a socket.
 */
export class EmitOrder {
  /** Of the last emit, where its channels keep the order. */
  #rooms: string | undefined;
  #begun: Promise<unknown> = Promise.resolve();
  #ended: Promise<unknown> = Promise.resolve();

  /** Resolves when the emits so far have ended. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** Calls `work` in its turn. `target`: of an emit; undefined for a question to shards, which waits like an emit to an id. */
  run<T>(
    target: Target | undefined,
    {
      joined,
      work,
      ended,
    }: {
      /** The joins before it. */
      readonly joined: Promise<unknown>;
      readonly work: () => Promise<T>;
      /** Resolves however the work ends. */
      readonly ended: (done: Promise<T>) => Promise<void>;
    },
  ): Promise<T> {
    const isOrdered = target?.rooms.every((room) => shardOfSocket(room) === undefined) === true;
    const rooms = isOrdered ? JSON.stringify([target.nsp, ...target.rooms]) : undefined;
    const isSame = rooms !== undefined && rooms === this.#rooms;
    const turn = Promise.all([joined, isSame ? this.#begun : this.#ended]);
    this.#rooms = rooms;
    this.#begun = turn;
    const done = turn.then(work);
    this.#ended = Promise.all([this.#ended, ended(done)]);
    return done;
  }
}
