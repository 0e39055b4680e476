import { computed, signal } from "@preact/signals";
import { viewSocketIo } from "../model/fronts.ts";
import { callAdminApi, callSocketIoApi, messageOf } from "./api.ts";
import { allPulses, tick } from "./pulses.ts";

/** Socket.IO: numbers from the live feed, and rooms and sockets where the operator asks for them. */

export const socketio = computed(() => {
  void tick.value;
  return viewSocketIo(allPulses(), performance.now());
});

type Reached = { readonly truncated: boolean; readonly unreachable: readonly string[] };

export type RoomsLook = Reached & {
  readonly namespace: string;
  readonly sockets: number;
  readonly rooms: readonly { readonly room: string; readonly sockets: number }[];
};

export type SocketsLook = Reached & {
  /** Undefined for the sockets of the whole namespace. */
  readonly room: string | undefined;
  readonly sockets: readonly {
    readonly id: string;
    readonly user: string;
    readonly rooms: readonly string[];
    readonly connectedAt: number;
    readonly data: string;
  }[];
};

/** The look that the page shows. It is as old as `lookedAt`, ms since 1970: each look is a call to every shard. */
export const roomsLook = signal<RoomsLook | undefined>(undefined);
export const socketsLook = signal<SocketsLook | undefined>(undefined);
export const lookedAt = signal(0);
export const lookProblem = signal<string | undefined>(undefined);

const MOST_ROOMS = 100;
const MOST_SOCKETS = 50;

/** Only the answer to the newest look counts. */
let newest = 0;

async function look(ask: () => Promise<() => void>): Promise<void> {
  const mine = ++newest;
  try {
    const show = await ask();
    if (mine !== newest) return;
    show();
    lookedAt.value = Date.now();
    lookProblem.value = undefined;
  } catch (error) {
    if (mine === newest) lookProblem.value = messageOf(error);
  }
}

const query = (fields: Readonly<Record<string, string | number>>): string =>
  new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)])).toString();

export const lookAtRooms = (namespace: string): Promise<void> =>
  look(async () => {
    const answer = await callAdminApi<Omit<RoomsLook, "namespace">>(
      "GET",
      `/socketio/rooms?${query({ namespace, limit: MOST_ROOMS })}`,
    );
    return () => {
      roomsLook.value = { namespace, ...answer };
      socketsLook.value = undefined;
    };
  });

export const lookAtSockets = (namespace: string, room: string | undefined): Promise<void> =>
  look(async () => {
    const answer = await callAdminApi<Omit<SocketsLook, "room">>(
      "GET",
      `/socketio/sockets?${query({ namespace, ...(room === undefined ? {} : { room }), limit: MOST_SOCKETS })}`,
    );
    return () => (socketsLook.value = { room, ...answer });
  });

/** `rooms`: how many; none for all sockets of the namespace. */
export type EmitOutcome =
  | { readonly state: "none" | "emitting" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "emitted"; readonly rooms: number; readonly ms: number };

/** `path`: of Socket.IO clients. */
export async function emitToRooms(
  path: string,
  emit: {
    readonly namespace: string;
    readonly rooms: readonly string[];
    readonly event: string;
    readonly args: readonly unknown[];
  },
): Promise<EmitOutcome> {
  const started = performance.now();
  try {
    await callSocketIoApi(path, "emit", emit);
    return { state: "emitted", rooms: emit.rooms.length, ms: performance.now() - started };
  } catch (error) {
    return { state: "failed", message: messageOf(error) };
  }
}

export function clearSocketIo(): void {
  newest += 1;
  roomsLook.value = undefined;
  socketsLook.value = undefined;
  lookProblem.value = undefined;
}
