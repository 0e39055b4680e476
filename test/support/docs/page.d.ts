// Names that blocks of the documentation take from the application around them: a page.
import type { Centrifuge } from "centrifuge";
import type * as socketio from "socket.io-client";

declare global {
  const centrifuge: Centrifuge;
  const io: typeof socketio.io;
}
