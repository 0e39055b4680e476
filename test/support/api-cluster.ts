import type { Centrifuge } from "centrifuge";
import { afterAll, beforeAll, expect } from "vitest";
import { Api } from "./api.ts";
import { signToken, startCluster, type Cluster } from "./cluster.ts";

const kept = { history_size: 10, history_ttl: "60s", force_recovery: true };
export const position = (offset: number) => ({ offset, epoch: expect.stringMatching(/^.+$/) });

/** The cluster of the test file that runs. */
export let cluster: Cluster;
export let api: Api;

/** Gives a test file a cluster for itself. */
export function useApiCluster(): void {
  beforeAll(async () => {
    cluster = await startCluster({
      cluster: { limits: { apiBodyBytes: 20_000, apiCommands: 20 }, times: { expiredGraceMs: 500 } },
      namespaces: {
        DEFAULT: { presence: true },
        kept: { presence: true, ...kept },
        passing: {},
        chosen: { ...kept, allow_tags_filter: true },
      },
    });
    api = new Api(cluster.url);
  });
  afterAll(async () => {
    api?.stop();
    await cluster?.stop();
  });
}

type Heard = { channel: string; data: unknown; offset?: number; tags?: object };

/** A connected stock client of a user, with its events. */
export class Listener {
  readonly client: Centrifuge;
  readonly heard: Heard[] = [];
  readonly subscribed: { channel: string; data?: unknown }[] = [];
  readonly unsubscribed: string[] = [];
  readonly messages: unknown[] = [];
  /** The closes of its connection, final or not. */
  readonly ended: { code: number; reason: string }[] = [];
  id = "";

  private constructor(client: Centrifuge) {
    this.client = client;
    client.on("connected", (context) => (this.id = context.client));
    client.on("publication", ({ channel, data, offset, tags }) =>
      this.heard.push({
        channel,
        data,
        ...(offset === undefined ? {} : { offset }),
        ...(tags === undefined ? {} : { tags }),
      }),
    );
    client.on("subscribed", ({ channel, data }) => {
      if (channel !== "ringcast:broadcast") this.subscribed.push({ channel, data });
    });
    client.on("unsubscribed", ({ channel }) => this.unsubscribed.push(channel));
    client.on("message", ({ data }) => this.messages.push(data));
    client.on("disconnected", ({ code, reason }) => this.ended.push({ code, reason }));
    client.on("connecting", ({ code, reason }) => code !== 0 && this.ended.push({ code, reason }));
  }

  static async of(user: string, so: { key?: string; info?: object } = {}): Promise<Listener> {
    const info = so.info === undefined ? {} : { info: so.info };
    const token = await signToken({ sub: user, ...info });
    const listener = new Listener(cluster.client(so.key ?? user, { token }));
    listener.client.connect();
    await listener.client.ready(240_000);
    return listener;
  }

  async on(channel: string): Promise<this> {
    const subscription = this.client.newSubscription(channel);
    subscription.on("publication", (context) => this.client.emit("publication", context));
    subscription.on("unsubscribed", (context) => this.client.emit("unsubscribed", context));
    subscription.subscribe();
    await subscription.ready(240_000);
    return this;
  }
}

/** Every answer that the tests of a file have got fits its schema. Answers with the methods that had a result. */
export async function checkAnswers(): Promise<Set<string>> {
  const schemas = await api.schemas();
  const answered = api.seen.filter(({ method }) => schemas.has(method));
  for (const { method, body } of answered) {
    const checked = schemas.get(method)?.safeParse(body);
    expect(checked?.error, `${method}: ${JSON.stringify(body)}`).toBeUndefined();
  }
  return new Set(answered.filter(({ body }) => !("error" in (body as object))).map(({ method }) => method));
}
