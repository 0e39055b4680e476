/** The events of sockets, as the platform calls them on an object. */
export type SocketEvents = {
  webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void>;
  webSocketClose(socket: WebSocket, code: number, reason: string): void;
  webSocketError(socket: WebSocket): void;
};

/** Accepts a socket that does not sleep with its object, and brings its events to where those of the others go. */
export function acceptAwake(socket: WebSocket, events: SocketEvents): void {
  socket.accept();
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => {
    void events.webSocketMessage(socket, data as string | ArrayBuffer);
  });
  socket.addEventListener("close", ({ code, reason }) => events.webSocketClose(socket, code, reason));
  socket.addEventListener("error", () => events.webSocketError(socket));
}
