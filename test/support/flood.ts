import { setTimeout as sleep } from "node:timers/promises";
import type WebSocket from "ws";

/** More at once would be a flood of the machine. */
const AT_ONCE = 400;
const AT_ONCE_BYTES = 1_000_000;

/** Sends frames until the connection is no longer open. */
export async function flood(socket: WebSocket, frame: (n: number) => string): Promise<void> {
  for (let n = 0; socket.readyState === socket.OPEN; await sleep(500)) {
    let bytes = 0;
    for (const until = n + AT_ONCE; n < until && bytes < AT_ONCE_BYTES; n++) {
      const next = frame(n);
      bytes += next.length;
      socket.send(next);
    }
  }
}
