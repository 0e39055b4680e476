/** Publishers without sockets: they measure the way from an object to a channel alone. */
import { DurableObject } from "cloudflare:workers";
import { CONTRACT } from "../../src/contracts/version.ts";
import { channelStub } from "../../src/platform/calls.ts";
import { channelPublisher } from "../../src/platform/publisher.ts";
import type { HotOrder } from "../lib/hot.ts";

const CHANNEL = "kept:hot";

type Env = Cloudflare.Env & {
  readonly BARE: DurableObjectNamespace<Bare>;
  readonly PUBLISHERS: DurableObjectNamespace<Publishers>;
};

/** One INSERT for each call: the least that a durable object does for a publication. */
export class Bare extends DurableObject {
  constructor(ctx: DurableObjectState, env: object) {
    super(ctx, env as never);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  }

  insert(body: string): void {
    this.ctx.storage.sql.exec("INSERT INTO kept (body) VALUES (?)", body);
  }
}

export class Publishers extends DurableObject<Env> {
  /** Each publisher publishes one after the other; answers with the ms of each publication. */
  async run(order: HotOrder): Promise<number[]> {
    const publish = this.#way(order);
    const endsAt = Date.now() + order.ms;
    const took: number[] = [];
    const one = async (): Promise<void> => {
      for (let sentAt = Date.now(); sentAt < endsAt; sentAt = Date.now()) {
        await publish();
        took.push(Date.now() - sentAt);
      }
    };
    await Promise.all(Array.from({ length: order.publishers }, one));
    return took;
  }

  #way({ way, payloadBytes }: HotOrder): () => Promise<unknown> {
    const { env } = this;
    const body = JSON.stringify({ data: "x".repeat(payloadBytes) });
    const publication = () => ({ id: crypto.randomUUID(), body, forRetries: true });
    if (way === "bare") return async () => env.BARE.getByName("bare").insert(body);
    if (way === "one by one") return () => channelStub(env, CHANNEL).publish(publication(), CONTRACT);
    const publisher = channelPublisher(env, 10_000);
    return () => publisher.publish(CHANNEL, publication());
  }
}

/** The publishers of all shards; answers with the ms of each publication. */
export async function publishHot(env: Cloudflare.Env, shards: number, order: HotOrder): Promise<number[]> {
  const namespace = (env as Env).PUBLISHERS;
  const runs = Array.from({ length: shards }, (_, n) => namespace.getByName(`publishers-${n}`).run(order));
  return (await Promise.all(runs)).flat();
}
