import type { Answered } from "./acks.ts";
import type { Client } from "./client.ts";
import type { Gathered } from "./gathered.ts";
import { pack } from "./packed.ts";

/** The answers that one shard awaits for events to many sockets; each is an entry in its memory. */
const MOST_AWAITED = 100_000;

export type Gathering = {
  readonly nsp: string;
  /** The id of the acknowledgement, the same for all. */
  readonly ackId: number;
  readonly timeoutMs: number;
  /** The answers have at most so many characters. */
  readonly chars: number;
};

/** Sends events that each socket of a shard answers, and gathers the answers (SPEC SO32). */
export class Gatherings {
  #awaited = 0;

  /** Resolves when each socket has answered or gone, and after the time at the latest. Throws where too many are awaited. */
  gather(
    clients: readonly Client[],
    gathering: Gathering,
    send: (client: Client) => void,
  ): Promise<Gathered> {
    if (this.#awaited + clients.length > MOST_AWAITED)
      throw new Error(`a shard awaits ${MOST_AWAITED} answers at most`);
    this.#awaited += clients.length;
    const { nsp, ackId, timeoutMs, chars } = gathering;
    return new Promise((resolve) => {
      const answers: string[] = [];
      const waiting = new Set(clients);
      let length = 0;
      const end = ({ isOver }: { readonly isOver: boolean }): void => {
        clearTimeout(timer);
        for (const client of waiting) client.acks.drop(ackId);
        this.#awaited -= clients.length;
        resolve({ answers, missing: clients.length - answers.length, isOver });
      };
      const take = (client: Client, [answer]: readonly (readonly unknown[])[]): void => {
        if (!waiting.delete(client)) return;
        const text = answer === undefined ? undefined : packed(answer);
        length += text?.length ?? 0;
        if (length > chars) return end({ isOver: true });
        if (text !== undefined) answers.push(text);
        if (waiting.size === 0) end({ isOver: false });
      };
      const timer = setTimeout(() => end({ isOver: false }), timeoutMs);
      for (const client of clients) {
        const answered: Answered = (error, args) => take(client, error === null ? [args.slice(0, 1)] : []);
        if (client.acks.expectShared(nsp, ackId, answered)) send(client);
        else take(client, []);
      }
      if (clients.length === 0) end({ isOver: false });
    });
  }
}

/** A client may answer what no text can hold, such as lists in lists without end. */
function packed(answer: readonly unknown[]): string | undefined {
  try {
    return pack(answer);
  } catch {
    return undefined;
  }
}
