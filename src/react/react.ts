import { useCallback, useMemo, useRef, useSyncExternalStore } from "react";
import type { ChannelState, Client, Listener } from "../client/client.ts";
import type { ChannelSchemas, DataOf } from "../typed/types.ts";
import { connectionStoreOf, type ConnectionState } from "./connection-store.ts";
import { DataStore } from "./data-store.ts";
import { PresenceStore, type PresenceState } from "./presence-store.ts";

export type { ConnectionState } from "./connection-store.ts";
export type { Member, PresenceState } from "./presence-store.ts";

/**
 * Hooks for React 18 and later. A channel is subscribed while a component that uses it is mounted; strict mode, which
 * mounts each component twice, subscribes once (SPEC PK12).
 */

const DISCONNECTED: ConnectionState = { status: "disconnected", reason: undefined };
const UNSUBSCRIBED: ChannelState = { status: "unsubscribed", resume: undefined, error: undefined };
const NO_DATA: readonly never[] = [];
const UNKNOWN: PresenceState = { members: undefined, error: undefined };
/** What a server renders, and a page that takes over what a server has rendered: nothing is connected there. */
const onServer = {
  connection: () => DISCONNECTED,
  channel: () => UNSUBSCRIBED,
  data: () => NO_DATA,
  presence: () => UNKNOWN,
} as const;

/** Whether the client is connected, and why not. */
export function useConnection<Schemas extends ChannelSchemas>(client: Client<Schemas>): ConnectionState {
  const store = connectionStoreOf(client.centrifuge);
  return useSyncExternalStore(store.watch, store.read, onServer.connection);
}

export type ChannelUse<Data> = ChannelState & {
  /** The last publications since the component was mounted, the newest last. */
  readonly data: readonly Data[];
  /** Publishes to the channel. Rejects where the server refuses it. */
  readonly publish: (data: Data) => Promise<void>;
};

/**
 * The state of a channel and its last publications. `keep`: how many, 100 unless given; 0 for a component that takes them
 * in `onPublication`. `resume` says whether anything may be missing after the client was away.
 */
export function useChannel<Schemas extends ChannelSchemas, Name extends string>(
  client: Client<Schemas>,
  name: Name,
  options: { readonly keep?: number; readonly onPublication?: Listener<DataOf<Schemas, Name>> } = {},
): ChannelUse<DataOf<Schemas, Name>> {
  const { keep = 100, onPublication } = options;
  const listener = useRef(onPublication);
  listener.current = onPublication;
  const kept = useRef(keep);
  kept.current = keep;
  const channel = client.channel(name);
  const store = useMemo(
    () =>
      new DataStore(
        channel,
        () => kept.current,
        (data, publication) => listener.current?.(data, publication),
      ),
    [channel],
  );
  const data = useSyncExternalStore(store.watch, store.read, onServer.data);
  const watch = useCallback((onChange: () => void) => channel.watch(onChange), [channel]);
  const read = useCallback(() => channel.state, [channel]);
  const state = useSyncExternalStore(watch, read, onServer.channel);
  const publish = useCallback((one: DataOf<Schemas, Name>) => channel.publish(one), [channel]);
  return { ...state, data, publish };
}

/**
 * The clients that are subscribed to a channel. It is asked for at each subscription, after each join and leave that the
 * server tells (`join_leave`), and every `refreshMs`, 30,000 unless given; never with 0 or `Infinity`.
 */
export function usePresence<Schemas extends ChannelSchemas>(
  client: Client<Schemas>,
  name: string,
  { refreshMs = 30_000 }: { readonly refreshMs?: number } = {},
): PresenceState {
  const channel = client.channel(name);
  const store = useMemo(() => new PresenceStore(channel, refreshMs), [channel, refreshMs]);
  return useSyncExternalStore(store.watch, store.read, onServer.presence);
}
