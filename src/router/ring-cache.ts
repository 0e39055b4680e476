import { buildRing } from "../ring/build.ts";
import type { Descriptor } from "../ring/descriptor.ts";
import type { Ring } from "../ring/ring.ts";

/**
 * The newest ring that this isolate has seen. It starts from the configured list, epoch 0: where to ask, never an
 * authority. Nothing here expires; shards correct it when it is wrong.
 */
export class RingCache {
  #ring: Ring;

  constructor(configured: Descriptor) {
    this.#ring = buildRing(configured);
  }

  get ring(): Ring {
    return this.#ring;
  }

  adopt(descriptor: Descriptor): void {
    if (descriptor.epoch > this.#ring.descriptor.epoch) this.#ring = buildRing(descriptor);
  }

  /** The coordinator's own word: it also replaces another descriptor of the same epoch. */
  correct(descriptor: Descriptor): void {
    if (descriptor.epoch >= this.#ring.descriptor.epoch) this.#ring = buildRing(descriptor);
  }
}
