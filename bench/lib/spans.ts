/** The time of the object for each broadcast, in ms. */
export class Spans {
  #spans: number[] = [];

  time(work: () => void): void {
    const startedAt = performance.now();
    work();
    this.#spans.push(performance.now() - startedAt);
  }

  async timeAsync<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await work();
    this.#spans.push(performance.now() - startedAt);
    return result;
  }

  take(): number[] {
    const spans = this.#spans;
    this.#spans = [];
    return spans;
  }
}
