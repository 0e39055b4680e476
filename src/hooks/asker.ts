import type { ShardAddress } from "../contracts/address.ts";
import { workerEnv } from "../platform/bindings.ts";
import { connectAnswer, publishAnswer, rpcAnswer, subscribeAnswer } from "./answers.ts";
import { ask, PASS, type Asked } from "./ask.ts";
import type {
  ConnectChange,
  ConnectEvent,
  HookContext,
  Hooks,
  HookSession,
  PublishChange,
  PublishEvent,
  RpcAnswer,
  RpcEvent,
  SubscribeChange,
  SubscribeEvent,
} from "./hooks.ts";

type Context = "env" | "ctx" | "shard" | "session";

/** Asks the hooks that decide, for the sessions of one shard. Without a hook every operation goes on unchanged. */
export class Asker {
  readonly hooks: Hooks;
  readonly #timeoutMs: number;
  readonly #context: Pick<ConnectEvent, "env" | "ctx" | "shard">;

  constructor(
    hooks: Hooks,
    parts: { env: RingcastEnv; ctx: HookContext; shard: ShardAddress; timeoutMs: number },
  ) {
    this.hooks = hooks;
    this.#timeoutMs = parts.timeoutMs;
    const { env, ctx } = parts;
    this.#context = { env: workerEnv(env), ctx, shard: { id: parts.shard.id, region: parts.shard.region } };
  }

  async connect(session: HookSession, event: Omit<ConnectEvent, Context>): Promise<Asked<ConnectChange>> {
    const hooks = this.hooks;
    if (hooks.onConnect === undefined) return PASS;
    const all = { ...this.#context, session, ...event };
    return ask("onConnect", () => hooks.onConnect?.(all), this.#by(connectAnswer));
  }

  async subscribe(
    session: HookSession,
    event: Omit<SubscribeEvent, Context>,
  ): Promise<Asked<SubscribeChange>> {
    const hooks = this.hooks;
    if (hooks.onSubscribe === undefined) return PASS;
    const all = { ...this.#context, session, ...event };
    return ask("onSubscribe", () => hooks.onSubscribe?.(all), this.#by(subscribeAnswer));
  }

  async publish(session: HookSession, event: Omit<PublishEvent, Context>): Promise<Asked<PublishChange>> {
    const hooks = this.hooks;
    if (hooks.onPublish === undefined) return PASS;
    const all = { ...this.#context, session, ...event };
    return ask("onPublish", () => hooks.onPublish?.(all), this.#by(publishAnswer));
  }

  /** Answers undefined where the deployment has no `onRpc` hook. */
  async rpc(session: HookSession, event: Omit<RpcEvent, Context>): Promise<Asked<RpcAnswer> | undefined> {
    const hooks = this.hooks;
    if (hooks.onRpc === undefined) return undefined;
    const all = { ...this.#context, session, ...event };
    return ask("onRpc", () => hooks.onRpc?.(all), this.#by(rpcAnswer));
  }

  #by<Answers>(answers: Answers): { readonly answers: Answers; readonly timeoutMs: number } {
    return { answers, timeoutMs: this.#timeoutMs };
  }
}
