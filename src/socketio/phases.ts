/**
 * `entering`: no handler has heard of the socket yet. `leaving`: its handlers hear of its end. `left`: its connection ends,
 * and its handlers are to hear `disconnect`.
 */
export type Phase = "entering" | "leaving" | "left";

/** The namespaces of one client whose sockets are just coming or going. */
export class Phases {
  /** Made when there is one: nearly every client has none. */
  #byNamespace: Map<string, Phase> | undefined;

  /** Undefined where the socket of the namespace is there, or there is none. */
  of(nsp: string): Phase | undefined {
    return this.#byNamespace?.get(nsp);
  }

  begin(nsp: string, phase: Phase): void {
    this.#byNamespace ??= new Map();
    this.#byNamespace.set(nsp, phase);
  }

  end(nsp: string, phase: Phase): void {
    if (this.of(nsp) !== phase) return;
    this.#byNamespace?.delete(nsp);
    if (this.#byNamespace?.size === 0) this.#byNamespace = undefined;
  }

  /** Its end is told just now: a handler that hears of it may ask for it again. */
  isLeaving(nsp: string): boolean {
    const phase = this.of(nsp);
    return phase === "leaving" || phase === "left";
  }
}
