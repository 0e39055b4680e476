import type { ServerHandlers } from "../../../src/ringcast.ts";

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
}
