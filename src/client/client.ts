import { Centrifuge, type Options } from "centrifuge";
import type { ChannelSchemas } from "../typed/types.ts";
import { Channel, type ChannelOptions, type TypedChannel } from "./channel.ts";

export type { Channel, ChannelOptions, ChannelState, Listener, Resume, TypedChannel } from "./channel.ts";
export type { ChannelSchemas, DataOf } from "../typed/types.ts";

/** Options of the stock client too, besides the few that are Ringcast's. */
export type ClientOptions = Partial<Options> & {
  /** The address of the cluster: `https://chat.example.com`, with its `basePath`, or a path on this page's host. */
  readonly url: string | URL;
  /** Clients with the same key share a shard, unless the cluster takes the key from elsewhere (`affinity.order`). */
  readonly key?: string;
  /** Of every channel, unless `channel` says otherwise. Joins and leaves are asked for, where the namespace tells them. */
  readonly channels?: ChannelOptions;
};

/** A client of a cluster: a stock Centrifuge client, and typed channels. */
export type Client<Schemas extends ChannelSchemas = ChannelSchemas> = {
  /** The stock client, with everything that it can do. */
  readonly centrifuge: Centrifuge;
  connect(): void;
  disconnect(): void;
  /** The channel of this name, which is one object for the whole client. `options` count at the first call. */
  channel<Name extends string>(name: Name, options?: ChannelOptions): TypedChannel<Schemas, Name>;
};

/**
 * Makes a client. `createClient<typeof channels>({ url })` types each channel by its schema; only the types travel.
 *
 * The client connects when `connect()` is called, or when something listens to a channel.
 */
export function createClient<Schemas extends ChannelSchemas = ChannelSchemas>({
  url,
  key,
  channels: defaults = {},
  ...options
}: ClientOptions): Client<Schemas> {
  const centrifuge = new Centrifuge(endpointOf(url, key), options);
  // One that nothing holds and nothing listens to is made anew, so that neither a page nor a server that renders pages
  // grows with each name. Options that were given for a channel stay.
  const channels = new Map<string, WeakRef<Channel<unknown>>>();
  const configured = new Set<Channel<unknown>>();
  const forgotten = new FinalizationRegistry<string>((name) => {
    if (channels.get(name)?.deref() === undefined) channels.delete(name);
  });
  return {
    centrifuge,
    connect: () => centrifuge.connect(),
    disconnect: () => centrifuge.disconnect(),
    channel<Name extends string>(name: Name, own?: ChannelOptions) {
      let channel = channels.get(name)?.deref();
      if (channel === undefined) {
        channel = new Channel<unknown>(centrifuge, name, { joinLeave: true, ...defaults, ...own });
        channels.set(name, new WeakRef(channel));
        forgotten.register(channel, name);
        if (own !== undefined) configured.add(channel);
      }
      return channel as TypedChannel<Schemas, Name>;
    },
  };
}

/** Only a browser has a page. */
const page = globalThis as typeof globalThis & { readonly location?: { readonly href: string } };

function endpointOf(url: string | URL, key: string | undefined): string {
  const endpoint = new URL(url, page.location?.href);
  endpoint.protocol = endpoint.protocol.replace("http", "ws");
  endpoint.pathname = `${endpoint.pathname.replace(/\/$/, "")}/connection/websocket`;
  if (key !== undefined) endpoint.searchParams.set("key", key);
  return endpoint.href;
}
