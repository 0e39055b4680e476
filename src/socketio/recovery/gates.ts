import type { Session } from "../../shard/connections/session.ts";
import type { Frame } from "../../shard/frame.ts";
import { NOTHING } from "../wire.ts";

type Gate = { readonly frames: Frame[]; chars: number };

/**
 * Frames for sockets that are being recovered: they wait until what came before them is sent. A gate with too much behind
 * it drops all of it, and its session begins anew.
 */
export class Gates {
  readonly #mostChars: number;
  readonly #bySession = new WeakMap<Session, Map<string, Gate>>();

  constructor(mostChars: number) {
    this.#mostChars = mostChars;
  }

  close(session: Session, nsp: string): void {
    const gates = this.#bySession.get(session) ?? new Map<string, Gate>();
    this.#bySession.set(session, gates.set(nsp, { frames: [], chars: 0 }));
  }

  isClosed(session: Session, nsp: string): boolean {
    return this.#bySession.get(session)?.has(nsp) === true;
  }

  /** The frames that may be sent now: all, or none where they wait. */
  pass(session: Session, nsp: string, frames: readonly Frame[]): readonly Frame[] {
    const gate = this.#bySession.get(session)?.get(nsp);
    if (gate === undefined) return frames;
    gate.chars += frames.reduce((sum, { length }) => sum + length, 0);
    if (gate.chars <= this.#mostChars) gate.frames.push(...frames);
    else gate.frames.length = 0;
    return NOTHING;
  }

  /** The frames that have waited; undefined where they were too many. */
  open(session: Session, nsp: string): readonly Frame[] | undefined {
    const gates = this.#bySession.get(session);
    const gate = gates?.get(nsp);
    gates?.delete(nsp);
    if (gates?.size === 0) this.#bySession.delete(session);
    return gate === undefined || gate.chars > this.#mostChars ? undefined : gate.frames;
  }
}
