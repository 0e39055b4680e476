import type { Handshake } from "./handshake.ts";
import type { SocketFacts } from "./question.ts";
import type { AnswerOf, Events, NameOf, SentArgsOf } from "./types.ts";

/** What reaches one socket: the `Broadcaster` of its id. */
type Self<Emit extends Events> = {
  emit(event: string, ...args: readonly unknown[]): Promise<void>;
  emitWithAck<Name extends NameOf<Emit>>(
    event: Name,
    ...args: SentArgsOf<Emit, Name>
  ): Promise<AnswerOf<Emit, Name>[]>;
  timeout(ms: number): Self<Emit>;
  socketsJoin(room: string | readonly string[]): Promise<void>;
  socketsLeave(room: string | readonly string[]): Promise<void>;
  disconnectSockets(close: boolean): Promise<void>;
};

/** A socket somewhere in the cluster, as it was when `fetchSockets` asked about it, and a way to command it. */
export class RemoteSocket<Emit extends Events, Data> {
  readonly id: string;
  readonly handshake: Handshake;
  readonly rooms: ReadonlySet<string>;
  readonly data: Data;
  readonly #facts: SocketFacts;
  readonly #self: Self<Emit>;

  constructor(facts: SocketFacts, self: Self<Emit>) {
    const { id, handshake, rooms, data } = facts;
    this.id = id;
    this.handshake = handshake;
    this.rooms = new Set(rooms);
    this.data = data as Data;
    this.#facts = facts;
    this.#self = self;
  }

  emit<Name extends NameOf<Emit>>(event: Name, ...args: SentArgsOf<Emit, Name>): Promise<void> {
    return this.#self.emit(event, ...args);
  }

  /** Rejects where the socket has gone, or has not answered in time. */
  async emitWithAck<Name extends NameOf<Emit>>(
    event: Name,
    ...args: SentArgsOf<Emit, Name>
  ): Promise<AnswerOf<Emit, Name>> {
    const answers = await this.#self.emitWithAck(event, ...args);
    if (answers.length === 0) throw new Error("socket has been disconnected");
    return answers[0] as AnswerOf<Emit, Name>;
  }

  /** The answer to the next event is awaited for so many ms, 60,000 at most and without this. */
  timeout(ms: number): RemoteSocket<Emit, Data> {
    return new RemoteSocket(this.#facts, this.#self.timeout(ms));
  }

  join(room: string | readonly string[]): Promise<void> {
    return this.#self.socketsJoin(room);
  }

  leave(room: string): Promise<void> {
    return this.#self.socketsLeave(room);
  }

  disconnect(close = false): Promise<void> {
    return this.#self.disconnectSockets(close);
  }
}
