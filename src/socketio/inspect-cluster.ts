import { shardAddress } from "../contracts/address.ts";
import { CONTRACT } from "../contracts/version.ts";
import { askAll } from "../fanout/ask-all.ts";
import { coordinatorStub } from "../platform/calls.ts";
import {
  bySize,
  encodeInspection,
  type Inspection,
  type RoomCount,
  type RoomsHere,
  type ShownSocket,
  type SocketsHere,
} from "./inspection.ts";
import { FRONT } from "./names.ts";

/** How long a shard has for its answer. */
const ASK_MS = 3_000;

/** `unreachable`: the shards that have not answered. */
type Reached = { readonly truncated: boolean; readonly unreachable: readonly string[] };

/** The largest rooms of a namespace, over all shards. A room that a shard has left out for its size counts too few. */
export async function listRooms(
  env: RingcastEnv,
  { nsp, limit }: { readonly nsp: string; readonly limit: number },
): Promise<Reached & { readonly sockets: number; readonly rooms: readonly RoomCount[] }> {
  const { answers, unreachable } = await askShards(env, { kind: "rooms", nsp, limit });
  const parts = answers.map((text) => JSON.parse(text) as RoomsHere);
  const counts = new Map<string, number>();
  for (const { rooms } of parts)
    for (const { room, sockets } of rooms) counts.set(room, (counts.get(room) ?? 0) + sockets);
  const rooms = [...counts].map(([room, sockets]) => ({ room, sockets })).toSorted(bySize);
  return {
    sockets: parts.reduce((sum, { sockets }) => sum + sockets, 0),
    rooms: rooms.slice(0, limit),
    truncated: rooms.length > limit || parts.some(({ truncated }) => truncated),
    unreachable,
  };
}

/** Some sockets of a namespace, or of one of its rooms. */
export async function listSockets(
  env: RingcastEnv,
  { nsp, room, limit }: { readonly nsp: string; readonly room: string | null; readonly limit: number },
): Promise<Reached & { readonly sockets: readonly ShownSocket[] }> {
  const { answers, unreachable } = await askShards(env, { kind: "sockets", nsp, room, limit });
  const parts = answers.map((text) => JSON.parse(text) as SocketsHere);
  const sockets = parts.flatMap((part) => part.sockets);
  return {
    sockets: sockets.slice(0, limit),
    truncated: sockets.length > limit || parts.some(({ truncated }) => truncated),
    unreachable,
  };
}

async function askShards(
  env: RingcastEnv,
  inspection: Inspection,
): Promise<{ readonly answers: readonly string[]; readonly unreachable: readonly string[] }> {
  const { shards } = await coordinatorStub(env).descriptor(CONTRACT);
  const objects = shards.map((shard) => shardAddress(FRONT, shard));
  const { answers, silent } = await askAll(env, objects, {
    waitMs: ASK_MS,
    ask: (stub) => stub.askFront(encodeInspection(inspection), CONTRACT),
  });
  return { answers: [...answers.values()], unreachable: silent.map(({ id }) => id) };
}
