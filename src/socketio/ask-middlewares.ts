import { within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import type { AnySocket } from "./client.ts";
import { answerOf } from "./dispatcher.ts";
import type { Handlers } from "./registry.ts";

/** How a refusal is told: the payload of CONNECT_ERROR. */
export type Refused = { readonly message: string; readonly data?: unknown };

/** The words of a stock server. */
export const INTERNAL = "internal server error";

/**
 * Asks the middlewares of a namespace, one after the other. Answers with a refusal, if there is one. One that throws, or
 * does not answer, is a fault: the log tells it, and not the client.
 */
export async function askMiddlewares(
  { middlewares }: Pick<Handlers, "middlewares">,
  socket: AnySocket,
  timeoutMs: number,
): Promise<Refused | undefined> {
  for (const middleware of middlewares) {
    try {
      const refusal = await within(
        timeoutMs,
        answerOf((next) => middleware(socket as never, next)),
      );
      if (refusal === undefined) continue;
      const { message, data } = refusal;
      return { message, ...(data === undefined ? {} : { data }) };
    } catch (error) {
      logError("a middleware of Socket.IO failed", { namespace: socket.nsp.name, error });
      return { message: INTERNAL };
    }
  }
  return undefined;
}
