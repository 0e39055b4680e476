import type { ShardAddress } from "../contracts/address.ts";
import { workerEnv } from "../platform/bindings.ts";
import { type Answers, connectAnswer, publishAnswer, rpcAnswer, subscribeAnswer } from "./answers.ts";
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
  /** The ids of the clients that wait for a hook's answer. */
  readonly #waiting = new Set<string>();

  constructor(
    hooks: Hooks,
    parts: { env: RingcastEnv; ctx: HookContext; shard: ShardAddress; timeoutMs: number },
  ) {
    this.hooks = hooks;
    this.#timeoutMs = parts.timeoutMs;
    const { env, ctx } = parts;
    this.#context = { env: workerEnv(env), ctx, shard: { id: parts.shard.id, region: parts.shard.region } };
  }

  /** Whether the command of a client waits for a hook just now. */
  isAskedFor(client: string): boolean {
    return this.#waiting.has(client);
  }

  async connect(session: HookSession, event: Omit<ConnectEvent, Context>): Promise<Asked<ConnectChange>> {
    const hooks = this.hooks;
    if (hooks.onConnect === undefined) return PASS;
    return this.#ask("onConnect", session, (by) => hooks.onConnect?.({ ...by, ...event }), connectAnswer);
  }

  async subscribe(
    session: HookSession,
    event: Omit<SubscribeEvent, Context>,
  ): Promise<Asked<SubscribeChange>> {
    const hooks = this.hooks;
    if (hooks.onSubscribe === undefined) return PASS;
    return this.#ask(
      "onSubscribe",
      session,
      (by) => hooks.onSubscribe?.({ ...by, ...event }),
      subscribeAnswer,
    );
  }

  async publish(session: HookSession, event: Omit<PublishEvent, Context>): Promise<Asked<PublishChange>> {
    const hooks = this.hooks;
    if (hooks.onPublish === undefined) return PASS;
    return this.#ask("onPublish", session, (by) => hooks.onPublish?.({ ...by, ...event }), publishAnswer);
  }

  /** Answers undefined where the deployment has no `onRpc` hook. */
  async rpc(session: HookSession, event: Omit<RpcEvent, Context>): Promise<Asked<RpcAnswer> | undefined> {
    const hooks = this.hooks;
    if (hooks.onRpc === undefined) return undefined;
    return this.#ask("onRpc", session, (by) => hooks.onRpc?.({ ...by, ...event }), rpcAnswer);
  }

  async #ask<Change extends object>(
    name: string,
    session: HookSession,
    hook: (by: Pick<ConnectEvent, Context>) => unknown,
    answers: Answers<Change>,
  ): Promise<Asked<Change>> {
    const { client } = session;
    this.#waiting.add(client);
    try {
      // A hook may write into what it gets, and the info of the session itself is shown to other clients.
      const own = { ...session, info: structuredClone(session.info) };
      const by = { ...this.#context, shard: { ...this.#context.shard }, session: own };
      return await ask(name, () => hook(by), { answers, timeoutMs: this.#timeoutMs });
    } finally {
      this.#waiting.delete(client);
    }
  }
}
