import type { Handshake } from "./handshake.ts";
import type { SocketFacts } from "./question.ts";
import type { Events, ManyArgsOf, NameOf } from "./types.ts";

/** What reaches one socket: the `Broadcaster` of its id. */
type Self<Emit extends Events> = {
  emit<Name extends NameOf<Emit>>(event: Name, ...args: ManyArgsOf<Emit, Name>): Promise<void>;
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
  readonly #self: Self<Emit>;

  constructor({ id, handshake, rooms, data }: SocketFacts, self: Self<Emit>) {
    this.id = id;
    this.handshake = handshake;
    this.rooms = new Set(rooms);
    this.data = data as Data;
    this.#self = self;
  }

  emit<Name extends NameOf<Emit>>(event: Name, ...args: ManyArgsOf<Emit, Name>): Promise<void> {
    return this.#self.emit(event, ...args);
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
