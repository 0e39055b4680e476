import { tick } from "../data/pulses.ts";
import {
  lookAtRooms,
  lookAtSockets,
  lookedAt,
  lookProblem,
  roomsLook,
  socketsLook,
  type RoomsLook,
  type SocketsLook,
} from "../data/socketio.ts";
import { age, count, plural } from "../model/format.ts";

/** The rooms of a namespace, and the sockets of one of them, as they were when the operator asked. */
export function SocketIoLook() {
  const rooms = roomsLook.value;
  const sockets = socketsLook.value;
  return (
    <div class="socketio-look" data-testid="socketio-look">
      {lookProblem.value !== undefined && (
        <p class="notice bad" role="alert">
          The shards were not asked: {lookProblem.value}.
        </p>
      )}
      {rooms === undefined ? (
        <p class="empty">
          Choose a namespace to see its rooms and sockets. Each look asks every shard once, and wakes it.
        </p>
      ) : (
        <>
          <LookHead look={rooms} />
          <Rooms look={rooms} chosen={sockets?.room} />
          {sockets !== undefined && <Sockets look={sockets} />}
        </>
      )}
    </div>
  );
}

function LookHead({ look }: { readonly look: RoomsLook }) {
  // The age grows with the clock.
  void tick.value;
  const { namespace, sockets, rooms, truncated, unreachable } = look;
  return (
    <>
      <p class="look-head">
        <span>
          <b class="mono">{namespace}</b>: {plural(sockets, "socket")}, {plural(rooms.length, "room")}
          {truncated && " shown, the largest"}; {age(Date.now() - lookedAt.value)} ago
        </span>
        <span class="buttons">
          <button type="button" class="small" onClick={() => void lookAtRooms(namespace)}>
            Look again
          </button>
          <button type="button" class="small" onClick={() => void lookAtSockets(namespace, undefined)}>
            All sockets
          </button>
        </span>
      </p>
      {unreachable.length > 0 && (
        <p class="notice warn">Shards that have not answered: {unreachable.join(", ")}.</p>
      )}
    </>
  );
}

const Rooms = ({ look, chosen }: { readonly look: RoomsLook; readonly chosen: string | undefined }) => (
  <ul class="rooms" tabIndex={0} aria-label={`Rooms of ${look.namespace}`}>
    {look.rooms.map(({ room, sockets }) => (
      <li key={room}>
        <button
          type="button"
          class="small"
          aria-pressed={room === chosen}
          onClick={() => void lookAtSockets(look.namespace, room)}
        >
          <span class="mono">{room}</span> <span class="hint">{count(sockets)}</span>
          <span class="hidden"> {sockets === 1 ? "socket" : "sockets"}</span>
        </button>
      </li>
    ))}
    {look.rooms.length === 0 && <li class="empty">No rooms.</li>}
  </ul>
);

/** Data that says nothing. */
const EMPTY: ReadonlySet<string> = new Set(["{}", "null"]);

function Sockets({ look }: { readonly look: SocketsLook }) {
  const { room, sockets, truncated, unreachable } = look;
  const where = room === undefined ? "Sockets of the namespace" : `Sockets in ${room}`;
  return (
    <>
      <p>
        <b>{where}:</b> {plural(sockets.length, "socket")}
        {truncated && " shown, of more"}
        {unreachable.length > 0 && `; without ${unreachable.join(", ")}, which have not answered`}
      </p>
      <ul class="sockets" tabIndex={0} aria-label={where}>
        {sockets.map((socket) => (
          <li key={socket.id}>
            <span class="mono id">{socket.id}</span>
            {socket.user !== socket.id && <b>{socket.user}</b>}
            <span class="hint">connected {age(Date.now() - socket.connectedAt)} ago</span>
            <span class="hint">{socket.rooms.length === 0 ? "no rooms" : socket.rooms.join(", ")}</span>
            {!EMPTY.has(socket.data) && <span class="mono data">{socket.data}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}
