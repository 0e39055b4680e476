import { Centrifuge } from "centrifuge";
import { SignJWT } from "jose";
import WebSocket from "ws";
import type { ClusterApi } from "./cluster-api.ts";
import { Failure } from "./failure.ts";

/** A token is renewed by the SDK before it ends. */
const TOKEN_LIFE = "15m";

type WatchTokens = { readonly connection: string; readonly tokens: Readonly<Record<string, string>> };

/**
 * Makes stock clients for a cluster. With its token secret they are ordinary users. Without it they connect as an operator,
 * who hears every channel and publishes nothing.
 */
export class Clients {
  readonly #api: ClusterApi;
  readonly #secret: Uint8Array | undefined;

  constructor(api: ClusterApi, secret: string | undefined) {
    this.#api = api;
    this.#secret = secret === undefined ? undefined : new TextEncoder().encode(secret);
  }

  /** Whether the clients are users, who may publish where the channel's namespace lets them. */
  get areUsers(): boolean {
    return this.#secret !== undefined;
  }

  /** A client of one user, not connected yet. `key` is the user and the affinity key. */
  create(key: string): StockClient {
    return new StockClient(this.#api.endpoint(key), {
      connection: () => this.#connectionToken(key),
      subscription: (channel) => this.#subscriptionToken(key, channel),
    });
  }

  async #connectionToken(user: string): Promise<string> {
    if (this.#secret !== undefined) return sign(this.#secret, { sub: user });
    return (await this.#watch([])).connection;
  }

  async #subscriptionToken(user: string, channel: string): Promise<string> {
    if (this.#secret !== undefined) return sign(this.#secret, { sub: user, channel });
    const { [channel]: token } = (await this.#watch([channel])).tokens;
    if (token === undefined) throw new Failure(`the cluster has signed no token for ${channel}`);
    return token;
  }

  #watch(channels: readonly string[]): Promise<WatchTokens> {
    return this.#api.admin<WatchTokens>("POST", "/live", {
      channels,
    });
  }
}

const sign = (secret: Uint8Array, claims: Record<string, string>): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setExpirationTime(TOKEN_LIFE).sign(secret);

type Tokens = { connection(): Promise<string>; subscription(channel: string): Promise<string> };

/** A stock client whose connection can be cut as a network cuts it: without a close frame. */
export class StockClient {
  readonly centrifuge: Centrifuge;
  readonly #tokens: Tokens;
  #socket: WebSocket | undefined;
  /** The last error or close, to say why a client does not connect. */
  trouble = "no answer";

  constructor(endpoint: string, tokens: Tokens) {
    const opened = (socket: WebSocket): void => void (this.#socket = socket);
    class Tracked extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        opened(this);
      }
    }
    this.#tokens = tokens;
    this.centrifuge = new Centrifuge(endpoint, { websocket: Tracked, getToken: () => tokens.connection() });
    this.centrifuge.on("error", ({ error }) => void (this.trouble = error.message));
    this.centrifuge.on(
      "disconnected",
      ({ code, reason }) => void (this.trouble = `closed with ${code}: ${reason}`),
    );
  }

  /** A subscription, not subscribed yet. */
  newSubscription(channel: string): ReturnType<Centrifuge["newSubscription"]> {
    const subscription = this.centrifuge.newSubscription(channel, {
      getToken: () => this.#tokens.subscription(channel),
    });
    subscription.on("error", ({ error }) => void (this.trouble = `${channel}: ${error.message}`));
    subscription.on("unsubscribed", ({ code, reason }) => {
      if (code !== 0) this.trouble = `${channel}: ${reason} (${code})`;
    });
    return subscription;
  }

  cut(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.centrifuge.disconnect();
  }
}
