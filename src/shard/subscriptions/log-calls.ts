import type { Config } from "../../config/config.ts";
import type { ShardAddress } from "../../contracts/address.ts";
import type { HistoryResult, Listening, LogContract, Registration } from "../../contracts/log.ts";
import type { LogView, Position } from "../../contracts/publication.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callAgain, homeStub, within } from "../../platform/calls.ts";
import { homeOf } from "../../policy/channels.ts";

const COORDINATOR_WAIT_MS = 1_500;
/** After a failure no subscribe waits for the coordinator for so long. */
const COORDINATOR_REST_MS = 900;

export type LogCallsParts = {
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly shard: ShardAddress;
  /** A call has failed; the log may have registered the shard all the same, or may do so yet. */
  readonly onRegisterFailed: (channel: string) => void;
};

/** The calls of a shard to the logs that it follows, wherever their home is. */
export class LogCalls {
  readonly #parts: LogCallsParts;
  #coordinatorRestsUntil = 0;

  constructor(parts: LogCallsParts) {
    this.#parts = parts;
  }

  register(channel: string, listening: Listening | null): Promise<Registration | null> {
    const { shard, onRegisterFailed } = this.#parts;
    const call = (log: LogContract) => log.register(shard, listening, CONTRACT);
    return this.#ask(channel, call, () => onRegisterFailed(channel));
  }

  view(channel: string, after: number): Promise<LogView> {
    return this.#ask(channel, (log) => log.view(after, CONTRACT));
  }

  /** The publications after a position, as many as one call holds. */
  page(channel: string, since: Position): Promise<HistoryResult> {
    return this.#ask(channel, (log) => log.history({ limit: -1, reverse: false, since }, CONTRACT));
  }

  /** A call that takes too long has failed: all subscribers of the channel wait for it (SPEC BD95). */
  #ask<Answer>(
    channel: string,
    call: (log: LogContract) => Promise<Answer>,
    onFailed: () => void = () => undefined,
  ): Promise<Answer> {
    const { env, config } = this.#parts;
    const home = homeOf(config, channel);
    const ask = async (): Promise<Answer> => {
      try {
        return await within(config.cluster.times.deliveryTimeoutMs, call(homeStub(env, home)));
      } catch (error) {
        onFailed();
        throw error;
      }
    };
    return home.kind === "coordinator" ? this.#askCoordinator(ask) : callAgain(ask);
  }

  /** A connect never waits long for the coordinator: what its log has to say can be told later (SPEC FO4). */
  async #askCoordinator<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (Date.now() < this.#coordinatorRestsUntil) throw new Error("the coordinator did not answer just now");
    try {
      return await within(COORDINATOR_WAIT_MS, ask());
    } catch (error) {
      this.#coordinatorRestsUntil = Date.now() + COORDINATOR_REST_MS;
      throw error;
    }
  }
}
