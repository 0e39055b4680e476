import type { Close } from "../../contracts/refusal.ts";

/**
 * Closes our end of a socket whose peer has closed (SPEC BD20).
 *
 * MUST be called for every end, also where no peer is left to hear it: otherwise the socket and its file handles stay
 * until the object sleeps, which a busy shard never does (docs/platform.md P9).
 */
export function answerClose(socket: WebSocket, { code, reason }: Close): void {
  try {
    if (isSendable(code)) socket.close(code, reason);
    else socket.close(1000);
  } catch {
    // The reason of a hostile peer may be no text, and is longer once it was made one.
    closeQuietly(socket);
  }
}

function closeQuietly(socket: WebSocket): void {
  try {
    socket.close(1000);
  } catch {
    // It is closed already.
  }
}

/** The codes that a close frame may carry (RFC 6455, section 7.4). 1005, 1006 and 1015 only say what happened. */
const isSendable = (code: number): boolean =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
