import { WorkerEntrypoint } from "cloudflare:workers";
import type { Server } from "./server-types.ts";

type Call<Name extends keyof Server> = Parameters<Server[Name]>;

/**
 * The server API for other Workers of the account, which bind the cluster as a service with this entrypoint (SPEC PK2).
 * A Worker with the binding may do everything that the server API can, and needs no key.
 */
export abstract class ServerService extends WorkerEntrypoint<Cloudflare.Env> implements Server {
  /** The class of a deployment says where its server API is. */
  protected static serverOf: (env: Cloudflare.Env) => Server;

  get #server(): Server {
    return (this.constructor as typeof ServerService).serverOf(this.env);
  }

  publish(...call: Call<"publish">) {
    return this.#server.publish(...call);
  }
  broadcast(...call: Call<"broadcast">) {
    return this.#server.broadcast(...call);
  }
  send(...call: Call<"send">) {
    return this.#server.send(...call);
  }
  subscribe(...call: Call<"subscribe">) {
    return this.#server.subscribe(...call);
  }
  unsubscribe(...call: Call<"unsubscribe">) {
    return this.#server.unsubscribe(...call);
  }
  disconnect(...call: Call<"disconnect">) {
    return this.#server.disconnect(...call);
  }
  refresh(...call: Call<"refresh">) {
    return this.#server.refresh(...call);
  }
  presence(...call: Call<"presence">) {
    return this.#server.presence(...call);
  }
  presenceStats(...call: Call<"presenceStats">) {
    return this.#server.presenceStats(...call);
  }
  history(...call: Call<"history">) {
    return this.#server.history(...call);
  }
  removeHistory(...call: Call<"removeHistory">) {
    return this.#server.removeHistory(...call);
  }
  channels(...call: Call<"channels">) {
    return this.#server.channels(...call);
  }
  info() {
    return this.#server.info();
  }
  token(...call: Call<"token">) {
    return this.#server.token(...call);
  }
  subscriptionToken(...call: Call<"subscriptionToken">) {
    return this.#server.subscriptionToken(...call);
  }
}
