import type { Channel, Listener } from "../client/client.ts";

/** The last publications of a channel, as `useSyncExternalStore` takes them. */
export class DataStore<Data> {
  readonly #channel: Channel<Data>;
  readonly #keep: number;
  readonly #listener: Listener<Data>;
  #data: readonly Data[] = [];

  constructor(channel: Channel<Data>, keep: number, listener: Listener<Data>) {
    this.#channel = channel;
    this.#keep = keep;
    this.#listener = listener;
  }

  readonly read = (): readonly Data[] => this.#data;

  readonly watch = (onChange: () => void): (() => void) =>
    this.#channel.listen((data, publication) => {
      this.#listener(data, publication);
      if (this.#keep === 0) return;
      this.#data = [...this.#data, data].slice(-this.#keep);
      onChange();
    });
}
