/**
 * One small application for the stock server and for ours. Its handlers get the socket first, as ours do; stock.ts fits
 * them to a stock server.
 */

/** What both servers give to handlers. */
export type AppSocket = {
  readonly id: string;
  readonly rooms: ReadonlySet<string>;
  readonly recovered: boolean;
  readonly connected: boolean;
  readonly handshake: { readonly auth: any; readonly query: any; readonly headers: any };
  data: any;
  readonly broadcast: AppTarget;
  readonly nsp: AppTarget & { readonly name: string };
  join(room: string): Promise<void> | void;
  leave(room: string): Promise<void> | void;
  emit(event: string, ...args: any[]): unknown;
  to(room: string | string[]): AppTarget;
  except(room: string | string[]): AppTarget;
  timeout(ms: number): {
    emit(event: string, ...args: any[]): unknown;
    emitWithAck(event: string, ...args: any[]): Promise<any>;
  };
  disconnect(close?: boolean): unknown;
};
export type AppTarget = {
  readonly local: AppTarget;
  readonly volatile: AppTarget;
  to(room: string | string[]): AppTarget;
  except(room: string | string[]): AppTarget;
  emit(event: string, ...args: any[]): unknown;
};
type Handler = (socket: AppSocket, ...args: any[]) => unknown;
export type AppNamespace = {
  use(middleware: (socket: AppSocket, next: (error?: any) => void) => unknown): void;
  on(event: string, handler: Handler): void;
};

/** The namespaces `/`, `/chat`, `/quiet` and `/closed`; the last asks for a password. */
export function describeApp(of: (nsp: string) => AppNamespace): void {
  for (const nsp of ["/", "/chat", "/closed"]) describeNamespace(of(nsp));
  // It says nothing by itself.
  of("/quiet");
  of("/closed").use(async (socket, next) => {
    const { rooms = [], parted = [], told = [], question, until } = socket.handshake.auth;
    for (const room of rooms) await socket.join(room);
    for (const room of parted) await socket.leave(room);
    const said: { what?: unknown } = {};
    for (const what of told) socket.emit("said", Object.assign(said, { what }));
    if (question !== undefined)
      void socket
        .timeout(5_000)
        .emitWithAck("question", question)
        .then(
          (answer) => socket.emit("said", { answer }),
          ({ message }: Error) => socket.nsp.emit("said", { message }),
        );
    // As a careless application does it: nothing comes of it.
    socket.disconnect(true);
    if (until !== undefined) await signal(until).heard;
    next();
  });
  of("/closed").use((socket, next) => {
    const { password } = socket.handshake.auth;
    if (password === "open sesame") return next();
    if (password === "null") return next(null);
    if (password === "no JSON") return next(Object.assign(new Error("not allowed"), { data: 1n }));
    if (password === "fault") throw new Error("a detail of the server");
    next(Object.assign(new Error("not allowed"), { data: { asked: password ?? null } }));
  });
}

type Signal = { readonly heard: Promise<void>; readonly give: () => void };
const signals = new Map<string, Signal>();

/** What several sockets wait for, and another one gives. */
function signal(name: string): Signal {
  let give = (): void => undefined;
  const made = { heard: new Promise<void>((resolve) => (give = resolve)), give };
  const found = signals.get(name) ?? made;
  signals.set(name, found);
  return found;
}

/** How often `disconnect` was told, by namespace. */
const ends = new Map<string, number>();

function describeNamespace(namespace: AppNamespace): void {
  namespace.on("connection", (socket) => {
    socket.data.count ??= 0;
    socket.data.user = socket.handshake.auth.user;
    const { thrownAwayAt } = socket.handshake.auth;
    if (thrownAwayAt !== undefined) void signal(thrownAwayAt).heard.then(() => socket.disconnect(true));
    socket.emit("hello", { auth: socket.handshake.auth });
  });
  namespace.on("signal", (_socket, name, ack) => {
    signal(name).give();
    ack();
  });
  namespace.on("echo", (socket, ...args) => {
    const ack: unknown = args.at(-1);
    if (typeof ack === "function") ack(...args.slice(0, -1));
    else socket.emit("echo", ...args);
  });
  namespace.on("count", (socket, ack) => {
    socket.data.count += 1;
    ack(socket.data.count);
  });
  namespace.on("who", (socket, ack) => {
    ack({ recovered: socket.recovered, rooms: [...socket.rooms].toSorted(), data: socket.data });
  });
  namespace.on("volatile", async (socket, room, ...args) => {
    const ack = args.pop();
    await socket.nsp.to(room).volatile.emit("said", ...args);
    ack();
  });
  namespace.on("keep", (socket, value, ack) => {
    socket.data.kept = value;
    ack();
  });
  namespace.on("handshake", ({ handshake: { query, headers, auth } }, ack) => {
    ack({ query, headers, auth });
  });
  namespace.on("join", async (socket, room, ack) => {
    await socket.join(room);
    ack([...socket.rooms].filter((room) => room !== socket.id).toSorted());
  });
  namespace.on("join if there is room", async (socket, room, ack) => {
    try {
      await socket.join(room);
      ack(true);
    } catch {
      ack(false);
    }
  });
  namespace.on("leave", async (socket, room, ack) => {
    await socket.leave(room);
    ack();
  });
  namespace.on("room", async (socket, rooms, except, ...args) => {
    const ack = args.pop();
    const target = rooms.length === 0 ? socket.nsp : socket.nsp.to(rooms);
    await target.except(except).emit("said", ...args);
    ack();
  });
  namespace.on("passing", async (socket, rooms, ...args) => {
    const ack = args.pop();
    const target = rooms.length === 0 ? socket.nsp : socket.nsp.to(rooms);
    await target.volatile.emit("said", ...args);
    ack();
  });
  namespace.on("others", async (socket, rooms, ...args) => {
    const ack = args.pop();
    const target = rooms.length === 0 ? socket.broadcast : socket.to(rooms);
    await target.emit("said", ...args);
    ack();
  });
  namespace.on("enter", async (socket, room, user, ack) => {
    // As one that asks a store for the name.
    await Promise.resolve();
    socket.data.user = user;
    await socket.join(room);
    ack();
  });
  namespace.on("near", async (socket, room, text, ack) => {
    await socket.nsp.to(room).local.emit("said", text);
    ack();
  });
  namespace.on("ask me", async (socket, question, ...rest) => {
    const ack = rest.pop();
    const [ms = 1_000] = rest;
    try {
      ack("answer", await socket.timeout(ms).emitWithAck("question", question));
    } catch (error) {
      ack("error", (error as Error).message);
    }
  });
  namespace.on("ask and part", async (socket, first) => {
    if (first === "part") socket.disconnect();
    const answer = socket.timeout(60_000).emitWithAck("question");
    if (first === "ask") socket.disconnect();
    await answer.catch((error: Error) => socket.nsp.emit("said", error.message));
  });
  let asked = 0;
  const mayAsk = (): boolean => (asked += 1) < 100_000;
  namespace.on("ask again", (socket) => {
    asked = 0;
    const ask = (): void => {
      if (mayAsk()) socket.timeout(1_000).emit("question", (error: Error | null) => error && ask());
    };
    ask();
  });
  namespace.on("ask in a loop", async (socket) => {
    asked = 0;
    while (mayAsk())
      await socket
        .timeout(1_000)
        .emitWithAck("question")
        .catch(() => undefined);
  });
  namespace.on("asked", (_socket, ack) => {
    ack(asked);
  });
  namespace.on("answer twice", (_socket, ack) => {
    try {
      ack(1n);
    } catch {
      ack("no JSON");
    }
  });
  namespace.on("throw", (_socket, ack) => {
    ack();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    throw proxy;
  });
  namespace.on("shout", (socket, room) => {
    socket.nsp.to(room).emit("said");
  });
  namespace.on("spoil", (socket) => {
    // No JSON holds it, so that it cannot be stored.
    socket.data.spoiled = 1n;
  });
  namespace.on("ends", (_socket, ack) => {
    ack(Object.fromEntries(ends));
  });
  namespace.on("disconnect", (socket) => {
    ends.set(socket.nsp.name, (ends.get(socket.nsp.name) ?? 0) + 1);
    if (socket.data.spoiled !== undefined) socket.nsp.emit("said", "spoiled, and gone");
  });
  namespace.on("part twice", (socket, when, ack) => {
    socket.data.partsTwice = when;
    ack();
  });
  for (const event of ["disconnecting", "disconnect"])
    namespace.on(event, (socket) => {
      if (socket.data.partsTwice === undefined) return;
      socket.nsp.emit("said", event, socket.connected);
      if (socket.data.partsTwice === event) socket.disconnect(true);
    });
  namespace.on("throw away", (socket, close) => {
    socket.disconnect(close);
  });
}
