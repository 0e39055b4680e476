import { Webhook } from "standardwebhooks";
import type { WebhookConfig } from "../config/webhook.ts";
import type { Batch } from "./event-queue.ts";

/**
 * Posts events to the back end, signed by Standard Webhooks (standardwebhooks.com). Rejects unless the back end answers
 * with 2xx within `timeoutMs`. A repetition of a batch has the same `webhook-id` and the same body (SPEC HK6).
 */
export async function postEvents(
  webhook: WebhookConfig,
  { secret, batch }: { readonly secret: string; readonly batch: Pick<Batch, "id" | "texts"> },
): Promise<void> {
  const body = `{"events":[${batch.texts.join(",")}]}`;
  const now = new Date();
  const response = await fetch(webhook.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": batch.id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(batch.id, now, body),
      ...authorization(webhook.url),
    },
    body,
    // A redirect would send the events to an address that is not in the settings.
    redirect: "manual",
    signal: AbortSignal.timeout(webhook.timeoutMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
}

/** `fetch` leaves out the name and password of an address. */
function authorization(url: string): { readonly authorization?: string } {
  const { username, password } = new URL(url);
  if (username === "" && password === "") return {};
  const bytes = new TextEncoder().encode(`${decoded(username)}:${decoded(password)}`);
  return { authorization: `Basic ${btoa(String.fromCodePoint(...bytes))}` };
}

/** A percent sign in a password may stand for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
