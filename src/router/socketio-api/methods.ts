import type * as z from "zod";
import { InputError } from "../../socketio/input-error.ts";
import type { Namespace } from "../../socketio/namespace.ts";
import { bytesAsJson, withBytes } from "../../socketio/shared-rooms.ts";
import type { AnyData, AnyEvents } from "../../socketio/types.ts";
import * as schemas from "./schemas.ts";

type Io = Namespace<AnyEvents, AnyEvents, AnyData>;
type Target = {
  readonly namespace: string;
  readonly rooms: readonly string[];
  readonly except: readonly string[];
};

/** A method of the HTTP API. `reads`: the reading key may call it. */
export type Method = {
  readonly summary: string;
  readonly reads?: true;
  readonly params: z.ZodType;
  readonly result: z.ZodType;
  /** Throws `InputError` for what cannot be sent, and any other error where a shard or room did not answer. */
  readonly run: (io: Io, params: unknown) => Promise<unknown>;
};

function method<Params extends z.ZodType>(
  spec: Omit<Method, "params" | "run"> & {
    readonly params: Params;
    readonly run: (io: Io, params: z.output<Params>) => Promise<unknown>;
  },
): Method {
  return { ...spec, run: (io, params) => spec.run(io, params as z.output<Params>) };
}

/** By the last part of the path. */
export const METHODS: ReadonlyMap<string, Method> = new Map([
  [
    "emit",
    method({
      summary: "Emit an event to sockets",
      params: schemas.emitParams,
      result: schemas.emitResult,
      async run(io, { event, args, volatile, timeoutMs, ...target }) {
        const [name, ...given] = withBytes([event, ...args]);
        const sockets = volatile ? targetOf(io, target).volatile : targetOf(io, target);
        if (timeoutMs === undefined) {
          await sockets.emit(name as string, ...given);
          return {};
        }
        return answersOf(sockets.timeout(timeoutMs).emitWithAck(name as string, ...given));
      },
    }),
  ],
  [
    "server-side-emit",
    method({
      summary: "Emit an event to the handlers `onServerSide` of every shard",
      params: schemas.serverSideParams,
      result: schemas.serverSideResult,
      async run(io, { namespace, event, args, wait }) {
        const [, ...given] = withBytes([event, ...args]);
        if (wait) return answersOf(io.of(namespace).serverSideEmitWithAck(event, ...given));
        await io.of(namespace).serverSideEmit(event, ...given);
        return {};
      },
    }),
  ],
  [
    "join",
    method({
      summary: "Let sockets join rooms",
      params: schemas.joinParams,
      result: schemas.done,
      async run(io, { to, ...target }) {
        await targetOf(io, target).socketsJoin(to);
        return {};
      },
    }),
  ],
  [
    "leave",
    method({
      summary: "Let sockets leave rooms",
      params: schemas.joinParams,
      result: schemas.done,
      async run(io, { to, ...target }) {
        await targetOf(io, target).socketsLeave(to);
        return {};
      },
    }),
  ],
  [
    "disconnect",
    method({
      summary: "End sockets; their clients do not come back by themselves",
      params: schemas.disconnectParams,
      result: schemas.done,
      async run(io, { close, ...target }) {
        await targetOf(io, target).disconnectSockets(close);
        return {};
      },
    }),
  ],
  [
    "sockets",
    method({
      summary: "List sockets",
      reads: true,
      params: schemas.socketsParams,
      result: schemas.socketsResult,
      async run(io, target) {
        const sockets = await targetOf(io, target).fetchSockets();
        return {
          sockets: sockets.map(({ id, rooms, data, handshake }) => ({
            id,
            rooms: [...rooms],
            data: data as unknown,
            ...(handshake.user === undefined ? {} : { user: handshake.user }),
          })),
        };
      },
    }),
  ],
]);

const targetOf = (io: Io, { namespace, rooms, except }: Target) => io.of(namespace).to(rooms).except(except);

/** An answer that is missing is no failure of the request. */
async function answersOf(work: Promise<unknown[]>): Promise<unknown> {
  try {
    return bytesAsJson({ answers: await work, complete: true });
  } catch (error) {
    if (error instanceof InputError || !(error instanceof Error && "responses" in error)) throw error;
    return bytesAsJson({ answers: error.responses, complete: false });
  }
}
