import type { Channel, Listener } from "../client/client.ts";

/** The last publications of a channel, as `useSyncExternalStore` takes them. */
export class DataStore<Data> {
  readonly #channel: Channel<Data>;
  /** How many; asked at each publication, as a component may change its mind. */
  readonly #keep: () => number;
  readonly #listener: Listener<Data>;
  #data: readonly Data[] = [];

  constructor(channel: Channel<Data>, keep: () => number, listener: Listener<Data>) {
    this.#channel = channel;
    this.#keep = keep;
    this.#listener = listener;
  }

  readonly read = (): readonly Data[] => this.#data;

  readonly watch = (onChange: () => void): (() => void) =>
    this.#channel.listen((data, publication) => {
      try {
        this.#listener(data, publication);
      } finally {
        const keep = this.#keep();
        if (keep > 0 || this.#data.length > 0) {
          this.#data = keep > 0 ? [...this.#data, data].slice(-keep) : [];
          onChange();
        }
      }
    });
}
