import type { ServerHandlers, Socket } from "../../../src/ringcast.ts";

type AnySocket = Socket<any, any, any, any>;
type Ack = (...answer: unknown[]) => void;

/** What a careless application keeps in its memory. */
const kept = new Map<string, AnySocket>();
const released = new Map<string, () => void>();

/**
 * Handlers that a careful application would not have: `/careless` and `/other`, and the namespaces `/slow`, `/falsy/<value>`
 * and `/function/<answer>`, whose middlewares and functions are odd.
 */
export function describeCareless(io: ServerHandlers<any, any, any, any>): void {
  for (const name of ["/careless", "/other"]) {
    const nsp = io.of(name);
    nsp.on("connection", (socket) => {
      kept.set(socket.id, socket);
      socket.emit("hello");
    });
    nsp.on("id", (socket, ack: Ack) => ack(socket.id));
    nsp.on("join", async (socket, room: string, ack: Ack) => {
      await socket.join(room);
      ack([...socket.rooms].filter((one) => one !== socket.id));
    });
    nsp.on("change its arguments", (socket, room: string, how: "local" | "everywhere") => {
      const target = how === "local" ? socket.nsp.to(room).local : socket.nsp.to(room);
      const state: { n: number; gone?: string } = { n: 1, gone: "yes" };
      void target.emit("said", state);
      state.n = 2;
      delete state.gone;
      void target.emit("said", state);
      state.n = 3;
    });
    nsp.on("emit what is no JSON", (socket, room: string, ack: Ack) => {
      void socket.nsp.to(room).emit("said", 1n);
      ack();
    });
    nsp.on("say", async (socket, to: string | string[], ack: Ack) => {
      await socket.nsp.to(to).emit("said", name);
      ack();
    });
    nsp.on("rooms of", (_, id: string, ack: Ack) => ack([...(kept.get(id)?.rooms ?? ["unknown"])]));
    nsp.on("waits", (_, key: string, ack: Ack) => ack(released.has(key)));
    nsp.on("release", (_, key: string) => released.get(key)?.());
  }
  const slow = io.of("/slow");
  slow.use(async (socket, next) => {
    const { key, ask } = socket.handshake.auth as { key?: string; ask?: string };
    if (ask !== undefined) await kept.get(ask)?.timeout(2_000).emitWithAck("confirm");
    if (key !== undefined) await new Promise<void>((resolve) => released.set(key, resolve));
    next();
  });
  slow.on("connection", (socket) => socket.emit("hello"));
  slow.on("echo", (_, what: unknown, ack: Ack) => ack(what));
  for (const value of [false, 0, ""]) {
    const falsy = io.of(`/falsy/${JSON.stringify(value)}`);
    falsy.use((_, next) => next(value as never));
    falsy.usePacket((_socket, _packet, next) => next(value as never));
    falsy.on("echo", (_, what: unknown, ack: Ack) => ack(what));
  }
  io.of((name, _auth, next) => next(undefined as never, name === "/function/true"));
}
