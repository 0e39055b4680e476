/** How many addresses an isolate refuses at a time; the one that was refused first leaves first. */
const MOST = 1_024;

/** The client addresses whose requests an isolate refuses for a while. */
export class RefusedAddresses {
  readonly #until = new Map<string, number>();

  /** `until`: ms since 1970. */
  refuse(address: string, until: number): void {
    this.#until.delete(address);
    this.#until.set(address, until);
    const [first] = this.#until.keys();
    if (this.#until.size > MOST && first !== undefined) this.#until.delete(first);
  }

  isRefused(address: string, now: number): boolean {
    const until = this.#until.get(address);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.delete(address);
    return false;
  }
}
