import type { ChannelEvent, HookContext, Hooks } from "../hooks/hooks.ts";
import { workerEnv } from "../platform/bindings.ts";
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
  by: { readonly env: RingcastEnv; readonly ctx: HookContext; readonly timeoutMs: number },
): Promise<void> {
  await within(
    by.timeoutMs,
    Promise.resolve().then(() => callHook(hooks, event, { env: workerEnv(by.env), ctx: by.ctx })),
  );
}

function callHook(hooks: Hooks, event: Event, by: Pick<ChannelEvent, "env" | "ctx">): unknown {
  switch (event.type) {
    case "disconnected":
      return hooks.onDisconnect?.({ ...event, ...by });
    case "occupied":
      return hooks.onChannelOccupied?.({ ...event, ...by });
    case "vacated":
      return hooks.onChannelVacated?.({ ...event, ...by });
    case "shards":
      return hooks.onShardChange?.({ ...event, ...by });
    case "connected":
    case "published":
      return undefined;
  }
}
