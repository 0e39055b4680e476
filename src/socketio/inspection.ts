import { PULSE_NAMESPACES, type NamespaceCount } from "../contracts/live.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Subscriptions } from "../shard/subscriptions/subscriptions.ts";
import { channelsThatMayBe, namespaceChannel, readChannel } from "./names.ts";
import { describeSocket } from "./shared-rooms.ts";
import { memberOf, stateOf, type Member } from "./state.ts";

/** The namespaces of one shard for its pulse, those with the most sockets; see `Pulse`. */
export function countNamespaces(subscriptions: Pick<Parts, "memberCounts">): NamespaceCount[] {
  const counts = new Map<string, { sockets: number; rooms: number }>();
  for (const [channel, members] of subscriptions.memberCounts()) {
    const { nsp, room } = readChannel(channel);
    const count = counts.get(nsp) ?? { sockets: 0, rooms: 0 };
    if (room === undefined) count.sockets = members;
    else count.rooms += 1;
    counts.set(nsp, count);
  }
  return [...counts]
    .map(([name, count]) => ({ name, ...count }))
    .toSorted((a, b) => b.sockets - a.sockets)
    .slice(0, PULSE_NAMESPACES);
}

/** A look of an operator at the sockets of one shard. `limit`: the most rooms or sockets of the answer. */
export type Inspection =
  /** The rooms of a namespace; the answer is {@link RoomsHere}. */
  | { readonly kind: "rooms"; readonly nsp: string; readonly limit: number }
  /** The sockets of a namespace, or of one of its rooms; the answer is {@link SocketsHere}. */
  | { readonly kind: "sockets"; readonly nsp: string; readonly room: string | null; readonly limit: number };

export type RoomCount = { readonly room: string; readonly sockets: number };
/** The largest rooms first. `truncated`: there are more. */
export type RoomsHere = {
  readonly sockets: number;
  readonly rooms: readonly RoomCount[];
  readonly truncated: boolean;
};

/** `data` is the beginning of its JSON text; `connectedAt` is in ms since 1970. */
export type ShownSocket = {
  readonly id: string;
  readonly user: string;
  readonly rooms: readonly string[];
  readonly connectedAt: number;
  readonly data: string;
};
export type SocketsHere = { readonly sockets: readonly ShownSocket[]; readonly truncated: boolean };

const DATA_CHARS = 300;
/** Of one socket. */
const MOST_ROOMS = 20;
const KIND = /^\{"kind":"(rooms|sockets)",/;

export const encodeInspection = ({ kind, ...rest }: Inspection): string => JSON.stringify({ kind, ...rest });

/** Undefined where a question is no inspection. Looks at its beginning alone, as events are long. */
export const decodeInspection = (text: string): Inspection | undefined =>
  KIND.test(text) ? (JSON.parse(text) as Inspection) : undefined;

type Parts = Pick<Subscriptions, "memberCounts" | "listenersOf">;

export const inspect = (subscriptions: Parts, inspection: Inspection): string =>
  JSON.stringify(
    inspection.kind === "rooms"
      ? roomsHere(subscriptions, inspection)
      : socketsHere(subscriptions, inspection),
  );

function roomsHere(
  subscriptions: Parts,
  { nsp, limit }: { readonly nsp: string; readonly limit: number },
): RoomsHere {
  const rooms: RoomCount[] = [];
  let sockets = 0;
  for (const [channel, members] of subscriptions.memberCounts()) {
    const read = readChannel(channel);
    if (read.nsp !== nsp) continue;
    if (read.room === undefined) sockets = members;
    else rooms.push({ room: read.room, sockets: members });
  }
  return { sockets, rooms: rooms.toSorted(bySize).slice(0, limit), truncated: rooms.length > limit };
}

/** The largest first; the order of equals is that of their names. */
export const bySize = (a: RoomCount, b: RoomCount): number =>
  b.sockets - a.sockets || (a.room < b.room ? -1 : 1);

function socketsHere(
  subscriptions: Parts,
  { nsp, room, limit }: { readonly nsp: string; readonly room: string | null; readonly limit: number },
): SocketsHere {
  const channels = room === null ? [namespaceChannel(nsp)] : channelsThatMayBe(nsp, room);
  const sockets: ShownSocket[] = [];
  for (const channel of channels)
    for (const session of subscriptions.listenersOf(channel)) {
      if (sockets.length === limit) return { sockets, truncated: true };
      sockets.push(...showSocket(session, nsp));
    }
  return { sockets, truncated: false };
}

/** The user as subscribers see it; for a socket that has none, the identity of its upgrade. */
function userOf(session: Session, member: Member): string {
  const { user } = describeSocket(member);
  return user === member.id ? (stateOf(session).identity?.user ?? user) : user;
}

function showSocket(session: Session, nsp: string): readonly ShownSocket[] {
  const member = memberOf(session, nsp);
  const { attachment } = session;
  if (member === undefined || attachment.state !== "open") return [];
  const rooms = [...attachment.subscriptions.keys()].flatMap((channel) => {
    const read = readChannel(channel);
    return read.nsp === nsp && read.room !== undefined ? [read.room] : [];
  });
  const data = JSON.stringify(member.data) ?? "null";
  return [
    {
      id: member.id,
      user: userOf(session, member),
      rooms: rooms.slice(0, MOST_ROOMS),
      connectedAt: attachment.openedAt,
      data: data.length > DATA_CHARS ? `${data.slice(0, DATA_CHARS)} ...` : data,
    },
  ];
}
