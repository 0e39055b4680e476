import type { Hooks } from "../hooks/hooks.ts";
import { within } from "../platform/calls.ts";
import type { Event, EventType } from "./event.ts";

/** The hook that is told of each type of event, or null where there is none. */
const HOOKS = {
  connected: null,
  disconnected: "onDisconnect",
  occupied: "onChannelOccupied",
  vacated: "onChannelVacated",
  published: null,
  shards: "onShardChange",
} as const satisfies Record<EventType, keyof Hooks | null>;

/** The types of events that the deployment has a hook for. */
export function typesWithHook(hooks: Hooks): EventType[] {
  return (Object.keys(HOOKS) as EventType[]).filter((type) => {
    const name = HOOKS[type];
    return name !== null && hooks[name] !== undefined;
  });
}

/** Calls the hook of an event. Rejects if the hook throws or takes longer than `timeoutMs`. */
export async function tellHook(
  hooks: Hooks,
  event: Event,
  by: { readonly env: Cloudflare.Env; readonly timeoutMs: number },
): Promise<void> {
  await within(
    by.timeoutMs,
    Promise.resolve().then(() => callHook(hooks, event, by.env)),
  );
}

function callHook(hooks: Hooks, event: Event, env: Cloudflare.Env): unknown {
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
