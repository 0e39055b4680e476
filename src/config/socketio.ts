import { z } from "zod";

/** The settings of the Socket.IO front. */
export const socketioSchema = z
  .strictObject({
    // The headers of the upgrade that `socket.handshake.headers` has. Each socket keeps them in its attachment.
    handshakeHeaders: z.array(z.string().toLowerCase()).max(20).default([]),
  })
  .prefault({});
