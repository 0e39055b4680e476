/** Replaces `cloudflare:workers`. */
class Base<Env> {
  protected readonly ctx: unknown;
  protected readonly env: Env;

  constructor(ctx: unknown, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}

export class DurableObject<Env> extends Base<Env> {}
export class WorkerEntrypoint<Env> extends Base<Env> {}
