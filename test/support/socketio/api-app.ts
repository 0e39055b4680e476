import type { NamespaceHandlers, ServerHandlers } from "../../../src/ringcast.ts";

/** Namespaces for what a stock server has in another form, or not at all. */
export function describeApi(io: ServerHandlers): void {
  const api = io.of("/api");
  api.on("connection", (socket) => {
    socket.emit("hello", {});
  });
  api.on("echo", (_, value, ack) => ack(value));
  api.on("kept", (socket, ack) => ack(socket.data["kept"] ?? null));
  api.on("keep by a thenable", (socket, value) => ({
    // oxlint-disable-next-line unicorn/no-thenable -- a promise of another library
    then(resolve: () => void) {
      queueMicrotask(() => {
        socket.data["kept"] = value;
        socket.emit("kept");
        resolve();
      });
    },
  }));
  api.on("ask what cannot be sent", async (socket, times, ack) => {
    for (let n = 0; n < times; n++)
      await socket
        .timeout(60_000)
        .emitWithAck("question", 1n)
        .catch(() => undefined);
    ack(await socket.timeout(60_000).emitWithAck("question", "why"));
  });
  api.on("join", async (socket, room, ack) => {
    await socket.join(room);
    ack();
  });
  api.on("say here", async (socket, room, ack) => {
    await socket.nsp.to(room).local.emit("said", "to all of the shard");
    await socket.local.to(room).emit("said", "to others of the shard");
    ack();
  });
  api.on("say volatile", async (socket, chars, ack) => {
    const room = socket.nsp.in(socket.id).local.volatile;
    socket.volatile.emit("said", "volatile, to one");
    await room.emit("said", "volatile, to a room");
    socket.compress(true).emit("filler", "x".repeat(chars));
    socket.volatile.emit("said", "too much for it");
    await room.emit("said", "too much for a room");
    socket.emit("said", "not volatile");
    socket
      .timeout(60_000)
      .emit("question", "kept", (error: unknown, answer: unknown) => ack(error === null ? answer : "none"));
  });
  api.on("facts", (socket, ack) => {
    const { conn, handshake, nsp, connected, disconnected } = socket;
    const { name } = nsp;
    ack({
      name,
      connected,
      disconnected,
      protocol: conn.protocol,
      transport: conn.transport.name,
      sid: conn.id,
      time: Date.parse(handshake.time) - handshake.issued,
    });
  });
  api.on("find", async (socket, room, ack) => {
    const sockets = await socket.nsp.in(room).fetchSockets();
    ack(sockets.map(({ id, rooms, handshake }) => [id, [...rooms], handshake.query]));
  });
  api.on("command", async (socket, room, ack) => {
    await socket.nsp.in(room).socketsJoin(["x", "y"]);
    await socket.nsp.in("x").socketsLeave("y");
    await socket.nsp.to("x").emit("said", "x");
    await socket.nsp.to("y").emit("said", "y");
    const [first] = await socket.nsp.in(room).fetchSockets();
    await first?.emit("said", "to the first");
    await socket.nsp.in("x").except(socket.id).disconnectSockets();
    ack();
  });
  api.on("ask all", (socket, room, ms, ack) => {
    const target = room === "" ? socket.nsp : socket.nsp.to(room);
    void target
      .timeout(ms)
      .emit("question", "why", (error: Error | null, answers: unknown[]) =>
        ack(error?.message ?? null, answers),
      );
  });
  api.on("ask others", async (socket, room, ack) => {
    ack(await socket.timeout(10_000).to(room).emitWithAck("question", "others"));
  });
  api.on("send parts", (socket, count, ack) => {
    const parts = Array.from({ length: count }, () => new Uint8Array(1));
    try {
      socket.emit("said", ...parts);
      ack("sent");
    } catch (error) {
      ack((error as Error).message);
    }
  });
  api.on("ask one", async (socket, id, ack) => {
    const [found] = await socket.nsp.in(id).fetchSockets();
    ack(
      await found
        ?.timeout(1_000)
        .emitWithAck("question", "you")
        .catch((error: Error) => error.message),
    );
  });
  api.on("ask for ever", async (socket, times, ack) => {
    const results = Array.from({ length: times }, () =>
      socket.nsp.in(socket.id).local.emitWithAck("question", "for ever"),
    );
    const last: unknown = await results.at(-1)?.catch((error: Error) => error.message);
    ack(last);
  });
  api.on("emit to many", async (socket, count, ack) => {
    const emitTo = (n: number) =>
      socket.nsp
        .to(`made-up-${n}`)
        .emit("said")
        .then(
          () => "emitted",
          (error: Error) => error.message,
        );
    const results: string[] = [];
    for (let n = 0; n < count && (results.at(-1) ?? "emitted") === "emitted"; n++)
      results.push(await emitTo(n));
    ack(results.length, results.at(-1), await emitTo(0));
  });
  api.onServerSide("say on all", async (nsp, text) => {
    await nsp.local.emit("said", text);
  });
  api.onServerSide("double", (nsp, value, ack) => ack({ ...value, name: nsp.name, twice: value.n * 2 }));
  api.onServerSide("fail", () => {
    throw new Error("a detail of the server");
  });
  api.on("ask servers", async (socket, value, ack) => {
    ack(await socket.nsp.serverSideEmitWithAck("double", value));
  });
  describeDynamic(io);
  describeCatchAll(io);
}

/** What each of these namespaces does. */
function describeTenant(namespace: NamespaceHandlers): void {
  namespace.on("connection", (socket) => {
    socket.emit("hello", {});
  });
  namespace.on("echo", (_, value, ack) => ack(value));
  namespace.on("say", async (socket, text, ack) => {
    await socket.nsp.emit("said", text);
    ack();
  });
  namespace.on("disconnect", (socket, reason) => {
    void socket.nsp.of("/api").emit("said", `${socket.nsp.name}: ${reason}`);
  });
  namespace.onServerSide("say on all", async (nsp, text) => {
    await nsp.local.emit("said", text);
  });
}

function describeDynamic(io: ServerHandlers): void {
  const org = io.of(/^\/org-/);
  org.use((socket, next) => {
    next(socket.handshake.auth["password"] === "wrong" ? new Error("not allowed") : null);
  });
  describeTenant(org);
  describeTenant(
    io.of((name, auth, next) => {
      if (auth["fault"] === true) throw new Error("a detail of the server");
      next(null, name.startsWith("/tenant-") && auth["token"] === "yes");
    }),
  );
}

function describeCatchAll(io: ServerHandlers): void {
  const all = io.of("/catch-all");
  all.onAny((socket, event, ...args) => {
    socket.emit(
      "any",
      event,
      args.filter((arg) => typeof arg !== "function"),
    );
  });
  all.usePacket(async (_, [event], next) => {
    await Promise.resolve();
    if (event === "late") return;
    next(event === "forbidden" ? new Error("not that event") : null);
  });
  all.usePacket((socket, packet, next) => {
    socket.data["passed"] = packet[0];
    next();
  });
  all.on("error", (socket, error) => {
    socket.emit("refused", error.message, socket.data["passed"] ?? null);
  });
  for (const event of ["forbidden", "allowed", "late", "number"])
    all.on(event, (socket, ...args) => {
      const ack: unknown = args.at(-1);
      if (typeof ack === "function") ack(event, ...args.slice(0, -1));
      else socket.emit("handled", event, ...args);
    });
}
