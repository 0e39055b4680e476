import { Webhook } from "standardwebhooks";
import type { WebhookConfig } from "../config/webhook.ts";
import type { Event } from "./event.ts";

/**
 * Posts events to the back end, signed by Standard Webhooks (standardwebhooks.com). Rejects unless the back end answers
 * with 2xx within `timeoutMs`. A repetition of a batch has the same `webhook-id` and the same body (SPEC HK6).
 */
export async function postEvents(
  webhook: WebhookConfig,
  post: { readonly secret: string; readonly events: readonly Event[]; readonly batch: string },
): Promise<void> {
  const body = JSON.stringify({ events: post.events });
  const now = new Date();
  const response = await fetch(webhook.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": post.batch,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(post.secret).sign(post.batch, now, body),
    },
    body,
    // A redirect would send the events to an address that is not in the settings.
    redirect: "manual",
    signal: AbortSignal.timeout(webhook.timeoutMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
}
