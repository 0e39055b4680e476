import type { Registration } from "../../contracts/log.ts";
import type { Delivery } from "../../contracts/orders.ts";

type State =
  | { readonly kind: "none" }
  | {
      readonly kind: "pending";
      readonly answer: Promise<Registration | null>;
    }
  | { readonly kind: "held" };

export type RegistrationEffects = {
  readonly register: () => Promise<Registration | null>;
  /** In the turn of the answer; null: the channel does not know where the shard's listeners are. */
  readonly onAnswer: (registration: Registration | null, early: readonly Delivery[]) => void;
  /** The call has failed. The early deliveries belong to a registration that the shard had before. */
  readonly onFailure: (early: readonly Delivery[]) => void;
};

/** The registration of this shard with one channel: one call, for all that wait for it (SPEC SE1). */
export class ChannelRegistration {
  #state: State = { kind: "none" };
  /** While the answer is awaited: the deliveries before it. The channel counts the shard as listening already. */
  early: Delivery[] | undefined;
  /** Resolves when no answer is awaited any more, and the early deliveries are applied. */
  settled: Promise<void> = Promise.resolve();

  get isNone(): boolean {
    return this.#state.kind === "none";
  }

  /** The channel has this shard already, as the shard knows from elsewhere. */
  assume(): void {
    this.#state = { kind: "held" };
  }

  /** Waits until the channel delivers to this shard. Rejects if the channel cannot be reached. */
  async ensure(effects: RegistrationEffects): Promise<void> {
    for (;;) {
      if (this.#state.kind === "none") this.#begin(effects);
      if (this.#state.kind !== "pending" || (await this.#state.answer) !== null) return;
    }
  }

  #begin(effects: RegistrationEffects): void {
    const answer = effects.register();
    this.early = [];
    this.#state = { kind: "pending", answer };
    this.settled = this.#settle(answer, this.early, effects);
  }

  async #settle(
    answer: Promise<Registration | null>,
    early: readonly Delivery[],
    { onAnswer, onFailure }: RegistrationEffects,
  ): Promise<void> {
    let registration: Registration | null;
    try {
      registration = await answer;
    } catch {
      // The subscribers that wait hear of the error themselves.
      this.#state = { kind: "none" };
      this.early = undefined;
      return onFailure(early);
    }
    this.#state = { kind: registration === null ? "none" : "held" };
    this.early = undefined;
    onAnswer(registration, early);
  }
}
