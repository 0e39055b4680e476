import type { ClientInfo } from "centrifuge";
import type { Channel } from "../client/client.ts";

export type Member = ClientInfo;
export type PresenceState = {
  /** Undefined until the server has answered once. */
  readonly members: readonly Member[] | undefined;
  /** Why the server does not tell, such as a namespace without presence. */
  readonly error: { readonly code: number; readonly message: string } | undefined;
};

/** A timer with a longer time, or with none, would run at once, again and again. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

type Watched = Pick<Channel<unknown>, "subscription" | "state" | "watch" | "presence">;

/** A member that has just come may be missing in an answer, and a join or leave may be lost: another answer corrects both. */
const CORRECTED_AFTER_MS = 2_000;

/** The members of a channel, as `useSyncExternalStore` takes them. */
export class PresenceStore {
  readonly #channel: Watched;
  readonly #refreshMs: number;
  #state: PresenceState = { members: undefined, error: undefined };

  constructor(channel: Watched, refreshMs: number) {
    this.#channel = channel;
    this.#refreshMs = refreshMs;
  }

  readonly read = (): PresenceState => this.#state;

  readonly watch = (onChange: () => void): (() => void) => {
    const leaveChannel = this.#channel.watch(() => undefined);
    const { subscription } = this.#channel;
    let isWatched = true;
    let soon: ReturnType<typeof setTimeout> | undefined;
    const set = (state: PresenceState): void => {
      this.#state = state;
      if (isWatched) onChange();
    };
    const ask = async (): Promise<void> => {
      try {
        const { clients } = await this.#channel.presence();
        set({ members: Object.values(clients), error: undefined });
      } catch (error) {
        set({ ...this.#state, error: error as PresenceState["error"] });
      }
    };
    const askNow = (): void => void ask();
    const askLater = (): void => {
      soon ??= setTimeout(() => {
        soon = undefined;
        askNow();
      }, CORRECTED_AFTER_MS);
    };
    /** Before the first answer the members are not known, and a join adds none. */
    const change = (info: Member, added: readonly Member[]): void => {
      const others = this.#state.members?.filter(({ client }) => client !== info.client);
      if (others !== undefined) set({ members: [...others, ...added], error: undefined });
      askLater();
    };
    const join = ({ info }: { readonly info: Member }): void => change(info, [info]);
    const leave = ({ info }: { readonly info: Member }): void => change(info, []);
    subscription.on("subscribed", askNow);
    subscription.on("join", join);
    subscription.on("leave", leave);
    const isRefreshed = this.#refreshMs > 0 && this.#refreshMs <= LONGEST_TIMER_MS;
    const refresh = isRefreshed ? setInterval(askNow, this.#refreshMs) : undefined;
    if (this.#channel.state.status === "subscribed") askNow();
    return () => {
      isWatched = false;
      clearTimeout(soon);
      clearInterval(refresh);
      subscription.off("subscribed", askNow);
      subscription.off("join", join);
      subscription.off("leave", leave);
      leaveChannel();
    };
  };
}
