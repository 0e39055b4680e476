import { hoveredShard } from "../data/selection.ts";
import { lookAtRooms, socketio } from "../data/socketio.ts";
import type { SocketIoShard, SocketIoView } from "../model/fronts.ts";
import { count, plural, rate } from "../model/format.ts";
import { Panel, ShardName } from "./parts.tsx";
import { SocketIoEmit } from "./socketio-emit.tsx";
import { SocketIoLook } from "./socketio-look.tsx";

/** Socket.IO: its shards and namespaces live, its rooms and sockets on request. */
export function SocketIo() {
  const view = socketio.value;
  if (view === undefined)
    return (
      <Panel name="socketio" title="Socket.IO">
        <p class="empty">No shard of this cluster has clients of Socket.IO.</p>
      </Panel>
    );
  return (
    <Panel
      name="socketio"
      title="Socket.IO"
      aside={
        <span class="hint" data-testid="socketio-totals">
          {plural(view.sockets, "socket")} in {plural(view.namespaces.length, "namespace")}, on{" "}
          {plural(view.connections, "connection")}
        </span>
      }
    >
      <div class="socketio-parts">
        <div class="socketio-live">
          <SocketIoShards shards={view.shards} />
          <SocketIoNamespaces namespaces={view.namespaces} />
        </div>
        <SocketIoLook />
        <SocketIoEmit namespaces={view.namespaces.map(({ name }) => name)} />
      </div>
    </Panel>
  );
}

const SocketIoShards = ({ shards }: { readonly shards: readonly SocketIoShard[] }) => (
  <div class="scroll tall" tabIndex={0} role="group" aria-label="Table of Socket.IO shards">
    <table>
      <thead>
        <tr>
          <th scope="col">Shard</th>
          <th scope="col" class="number">
            Connections
          </th>
          <th scope="col" class="number">
            Sockets
          </th>
          <th scope="col" class="number" title="Rooms with a member on this shard">
            Rooms
          </th>
          <th scope="col" class="number" title="Frames from clients">
            In / s
          </th>
          <th scope="col" class="number" title="Events of rooms and namespaces, delivered to sockets">
            Out / s
          </th>
        </tr>
      </thead>
      <tbody>
        {shards.map((one) => (
          <tr
            key={one.shard}
            data-socketio-shard={one.shard}
            class={`${one.stale ? "stale" : ""} ${hoveredShard.value === one.shard ? "focus" : ""}`}
            onPointerEnter={() => (hoveredShard.value = one.shard)}
            onPointerLeave={() => (hoveredShard.value = undefined)}
          >
            <th scope="row">
              <ShardName shard={one.shard} />
            </th>
            <td class="number">{count(one.connections)}</td>
            <td class="number">{count(one.sockets)}</td>
            <td class="number">{count(one.rooms)}</td>
            <td class="number">{one.stale ? "–" : rate(one.framesPerSecond)}</td>
            <td class="number">{one.stale ? "–" : rate(one.deliveriesPerSecond)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const SocketIoNamespaces = ({ namespaces }: Pick<SocketIoView, "namespaces">) => (
  <div class="scroll" tabIndex={0} role="group" aria-label="Table of namespaces">
    <table>
      <thead>
        <tr>
          <th scope="col">Namespace</th>
          <th scope="col" class="number">
            Sockets
          </th>
          <th scope="col" class="number">
            On shards
          </th>
          <th scope="col">
            <span class="hidden">Look</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {namespaces.map(({ name, sockets, shards }) => (
          <tr key={name} data-namespace={name}>
            <th scope="row" class="mono">
              {name}
            </th>
            <td class="number">{count(sockets)}</td>
            <td class="number">{count(shards)}</td>
            <td class="row-action">
              <button
                type="button"
                class="small"
                aria-label={`Rooms of ${name}`}
                onClick={() => void lookAtRooms(name)}
              >
                Rooms …
              </button>
            </td>
          </tr>
        ))}
        {namespaces.length === 0 && (
          <tr>
            <td colSpan={4} class="empty">
              No socket is connected.
            </td>
          </tr>
        )}
      </tbody>
    </table>
  </div>
);
