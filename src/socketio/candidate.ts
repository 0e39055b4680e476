import { pack, unpack } from "./packed.ts";
import type { EventArgs } from "./packets.ts";
import type { SendHow } from "./sender.ts";
import type { SocketWork } from "./socket.ts";

/**
 * A socket whose middlewares are asked. Their joins, leaves and events are carried out when they have let it in, and
 * forgotten where they refuse it (SPEC SO5).
 */
export class Candidate {
  readonly #work: SocketWork;
  /** Those of a recovered socket, and those that `join` has joined. */
  readonly #joined: Set<string>;
  readonly #rooms: Set<string>;
  /** As their clients would get them: a middleware may change the arguments meanwhile. */
  readonly #events: { readonly packed: string; readonly how: SendHow }[] = [];
  #isOver = false;

  constructor(work: SocketWork, recovered: Iterable<string> = []) {
    this.#work = work;
    this.#joined = new Set(recovered);
    this.#rooms = new Set(this.#joined);
  }

  /** For the socket that the middlewares get. */
  get work(): SocketWork {
    const work = this.#work;
    return {
      ...work,
      isConnected: () => this.#isOver && work.isConnected(),
      rooms: () => (this.#isOver ? work.rooms() : new Set([...work.rooms(), ...this.#rooms])),
      join: async (rooms) => {
        if (this.#isOver) return work.join(rooms);
        for (const room of rooms) this.#rooms.add(room);
      },
      leave: async (room) => {
        if (this.#isOver) return work.leave(room);
        this.#rooms.delete(room);
      },
      send: (args, how) => {
        if (this.#isOver) work.send(args, how);
        else this.#events.push({ packed: pack(args), how });
      },
      disconnect: (close) => {
        if (this.#isOver) work.disconnect(close);
      },
    };
  }

  /** Joins the rooms. Rejects where one of them cannot be joined. */
  async join(): Promise<void> {
    const rooms = [...this.#rooms].filter((room) => !this.#joined.has(room));
    for (const room of rooms) this.#joined.add(room);
    if (rooms.length > 0) await this.#work.join(rooms);
  }

  /** The socket is in its namespace, and its client knows. */
  admit(): void {
    for (const room of this.#joined) if (!this.#rooms.has(room)) void this.#work.leave(room);
    // A middleware may go on when it has answered.
    this.join().catch(() => undefined);
    this.#end(() => true);
  }

  /** The socket does not come in, unless it has been admitted: its client answers nothing. */
  end(): void {
    this.#end(({ ack }) => ack !== undefined);
  }

  #end(isSent: (how: SendHow) => boolean): void {
    this.#isOver = true;
    for (const { packed, how } of this.#events.splice(0))
      if (isSent(how)) this.#work.send(unpack(packed) as EventArgs, how);
  }
}
