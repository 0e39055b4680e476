import type { Server } from "socket.io";
import { expect, expectTypeOf, test } from "vitest";
import type { createRingcast, Namespace, Socket } from "../../../src/ringcast.ts";
import { NamespaceHandlers, ServerHandlers } from "../../../src/socketio/registry.ts";

// Maps of events, as the guide of the package `socket.io` writes them. `npm run check` checks this file.
interface ClientToServer {
  say: (room: string, text: string) => void;
  count: (from: number, ack: (sum: number, more: string) => void) => void;
}
interface ServerToClient {
  said: (text: string) => void;
  question: (text: string, ack: (answer: number) => void) => void;
}
interface InterServer {
  ping: () => void;
  load: (of: string, ack: (sockets: number) => void) => void;
}
interface SocketData {
  name: string;
}
type Stock = Server<ClientToServer, ServerToClient, InterServer, SocketData>;
type Handlers = ServerHandlers<ClientToServer, ServerToClient, InterServer, SocketData>;
type One = Socket<ClientToServer, ServerToClient, InterServer, SocketData>;

/** The types of one map are those of a stock server with the same map. */
function handle(io: Handlers): void {
  io.use((socket, next) => {
    socket.data.name = "ann";
    next();
    // @ts-expect-error -- data has another type
    socket.data.name = 1;
    // @ts-expect-error -- an error is an Error
    next("no");
  });
  io.on("connection", (socket) => expectTypeOf(socket).toEqualTypeOf<One>());
  io.on("disconnect", (_, reason) => expectTypeOf(reason).toExtend<string>());
  io.on("say", (socket, room, text) => {
    expectTypeOf(socket).toEqualTypeOf<One>();
    expectTypeOf([room, text]).toEqualTypeOf<string[]>();
  });
  io.on("count", (_, from, ack) => {
    ack(from + 1, "more");
    // @ts-expect-error -- the answer is a number
    ack("1", "more");
  });
  io.onAny((socket, event, ...args) => {
    expectTypeOf(socket).toEqualTypeOf<One>();
    expectTypeOf(event).toEqualTypeOf<string | number>();
    return args;
  });
  io.usePacket((socket, [event], next) => {
    expectTypeOf(socket).toEqualTypeOf<One>();
    next(event === "no" ? new Error("no") : undefined);
  });
  io.onServerSide("load", async (nsp, of, ack) => {
    expectTypeOf(of).toEqualTypeOf<string>();
    ack((await nsp.local.in(of).fetchSockets()).length);
    await nsp.emit("said", "hi");
    // @ts-expect-error -- the answer is a number
    ack("1");
  });
  // @ts-expect-error -- servers send each other no such event
  io.onServerSide("say", () => undefined);
  // @ts-expect-error -- clients send no such event
  io.on("shout", () => undefined);
  // @ts-expect-error -- a room is a text
  io.on("say", (_, room: number) => room);
  const tenants = io.of<ClientToServer, ServerToClient>((name, auth, next) => {
    expectTypeOf(name).toEqualTypeOf<string>();
    next(null, auth["token"] === "yes");
  });
  tenants.on("say", (socket, room) => socket.to(room).emit("said", socket.nsp.name));
  // @ts-expect-error -- clients send no such event there
  io.of<ClientToServer, ServerToClient>(/^\/org-/).on("shout", () => undefined);
}

export async function emit(socket: One): Promise<void> {
  socket.emit("said", "hi");
  // @ts-expect-error -- no such event goes to clients
  socket.emit("say", "room", "hi");
  // @ts-expect-error -- a text is missing
  socket.emit("said");
  // @ts-expect-error -- a text is no number
  socket.volatile.emit("said", 1);
  socket.emit("question", "why", (answer) => expectTypeOf(answer).toEqualTypeOf<number>());
  expectTypeOf(await socket.emitWithAck("question", "why")).toEqualTypeOf<number>();
  expectTypeOf(await socket.timeout(1).emitWithAck("question", "why")).toEqualTypeOf<number>();
  socket.timeout(1).emit("question", "why", (error, answer) => {
    expectTypeOf(error).toEqualTypeOf<Error | null>();
    expectTypeOf(answer).toEqualTypeOf<number>();
  });
  // @ts-expect-error -- the question is missing
  await socket.emitWithAck("question");
}

export async function broadcast(nsp: Namespace<ServerToClient, InterServer, SocketData>): Promise<void> {
  await nsp.to("room").except(["a", "b"]).volatile.local.emit("said", "hi");
  // @ts-expect-error -- no such event goes to clients
  await nsp.to("room").emit("say", "room", "hi");
  // @ts-expect-error -- a text is no number
  await nsp.emit("said", 1);
  // @ts-expect-error -- a room is a text
  nsp.in(1);
  const [found] = await nsp.in("room").fetchSockets();
  expectTypeOf(found?.data).toEqualTypeOf<SocketData | undefined>();
  await found?.emit("said", "hi");
  // @ts-expect-error -- a text is no number
  await found?.emit("said", 1);
  expectTypeOf(await nsp.timeout(1).emitWithAck("question", "why")).toEqualTypeOf<number[]>();
  await nsp.timeout(1).emit("question", "why", (error, answers) => {
    expectTypeOf(error).toEqualTypeOf<Error | null>();
    expectTypeOf(answers).toEqualTypeOf<number[]>();
  });
  expectTypeOf(await found?.timeout(1).emitWithAck("question", "why")).toEqualTypeOf<number | undefined>();
  await nsp.serverSideEmit("ping");
  expectTypeOf(await nsp.serverSideEmitWithAck("load", "room")).toEqualTypeOf<number[]>();
  // @ts-expect-error -- servers send each other no such event
  await nsp.serverSideEmit("said", "hi");
  // @ts-expect-error -- a text is missing
  await nsp.serverSideEmit("load");
  const other = nsp.of<{ news: (n: number) => void }>("/news");
  await other.emit("news", 1);
  // @ts-expect-error -- another namespace has its own events
  await other.emit("said", "hi");
}

/** A deployment's maps reach the other code of its Worker. */
export async function elsewhere(create: typeof createRingcast, env: Cloudflare.Env): Promise<void> {
  const typed = create({ socketio: (io: Handlers) => void io });
  await typed.socketio(env).to("room").emit("said", "hi");
  // @ts-expect-error -- no such event goes to clients
  await typed.socketio(env).emit("say", "room", "hi");
  const untyped = create({
    socketio: (io) => io.on("any", (socket, ...args) => socket.emit("other", ...args)),
  });
  await untyped.socketio(env).emit("anything", 1, "two");
}

test("[SO36] a map of events in the order of the package `socket.io` types handlers, emits and data", () => {
  expectTypeOf<Parameters<Parameters<Stock["use"]>[0]>[0]["data"]>().toEqualTypeOf<One["data"]>();
  const io: Handlers = new ServerHandlers();
  handle(io);
  expect(["connection", "say", "count"].map((event) => io.handlersFor(event).length)).toEqual([1, 2, 1]);
  expect(io.serverSideFor("load")).toHaveLength(1);
  expect(io.of("chat")).toBeInstanceOf(NamespaceHandlers);
});
