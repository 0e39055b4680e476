import { logWarning } from "../platform/logger.ts";
import type { Answer, Published, PublishOptions, Server } from "./server-types.ts";

/** The body of a message, with the arguments of `publish`. */
export type QueuedPublication = { readonly channel: string; readonly data: unknown } & PublishOptions;

/**
 * The first pause before a message comes again, and the longest: shorter than the five minutes of an idempotency key
 * (SPEC LG4), as a publication may have been stored although its answer was lost.
 */
const FIRST_DELAY_S = 5;
const MOST_DELAY_S = 240;

/**
 * Publishes the messages of a queue (SPEC PK3). The id of a message is its idempotency key, unless it names one.
 *
 * Acknowledges exactly the messages whose publications were stored. Every other message goes back to the queue by itself,
 * with a growing pause; also one that can never be published, so that the queue's `max_retries` and `dead_letter_queue`
 * decide what becomes of it. MUST NOT reject.
 */
export async function consumeQueue(
  batch: MessageBatch<unknown>,
  server: Pick<Server, "publish">,
): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      const { error } = await publish(server, message);
      if (error === undefined) return message.ack();
      const { id, attempts } = message;
      logWarning("a message of a queue was not published", {
        queue: batch.queue,
        id,
        attempts,
        error,
      });
      message.retry({ delaySeconds: Math.min(FIRST_DELAY_S * 2 ** (attempts - 1), MOST_DELAY_S) });
    }),
  );
}

async function publish(
  server: Pick<Server, "publish">,
  { id, body }: Message<unknown>,
): Promise<Answer<Published>> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return { error: { code: 107, message: "bad request: a message is an object with a channel and data" } };
  const { channel, data, ...options } = body as QueuedPublication;
  // As over HTTP, where null and an empty key count as absent.
  const key = options.idempotency_key ?? "";
  try {
    return await server.publish(channel, data, { ...options, idempotency_key: key === "" ? id : key });
  } catch (error) {
    return { error: { code: 100, message: String(error) } };
  }
}
