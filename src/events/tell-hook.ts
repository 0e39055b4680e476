import { within } from "../platform/calls.ts";
import type { Event, Fact } from "./event.ts";
import type { Hooks } from "../hooks/hooks.ts";

/** The hook that hears of each kind of fact; null where there is none. */
const HEARERS = {
  connected: null,
  disconnected: "onDisconnect",
  occupied: "onChannelOccupied",
  vacated: "onChannelVacated",
  published: null,
  shards: "onShardChange",
} as const satisfies Record<Fact["type"], keyof Hooks | null>;

export function hears(hooks: Hooks, type: Fact["type"]): boolean {
  const name = HEARERS[type];
  return name !== null && hooks[name] !== undefined;
}

/** Tells a hook; rejects with what it throws, or when it takes too long. */
export async function tell(
  hooks: Hooks,
  event: Event,
  by: { readonly env: Cloudflare.Env; readonly timeoutMs: number },
): Promise<void> {
  await within(
    by.timeoutMs,
    Promise.resolve().then(() => hear(hooks, event, by.env)),
  );
}

function hear(hooks: Hooks, event: Event, env: Cloudflare.Env): unknown {
  switch (event.type) {
    case "disconnected":
      return hooks.onDisconnect?.({ ...event, env });
    case "occupied":
      return hooks.onChannelOccupied?.({ ...event, env });
    case "vacated":
      return hooks.onChannelVacated?.({ ...event, env });
    case "shards":
      return hooks.onShardChange?.({ ...event, env });
    case "connected":
    case "published":
      return undefined;
  }
}
