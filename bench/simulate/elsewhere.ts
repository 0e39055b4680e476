/**
 * A hosted service with a price for each unit. Our copy of its page is undated. Its later packages have prices by the
 * minute, and discounts for volume are not counted. A message counts once when it is published and once for each
 * client that hears it.
 */
export const ELSEWHERE = {
  name: "Ably",
  source: "ably.com/pricing/full-calculator (undated; $2.50 a million messages, $20 a thousand connections)",
  perMillionMessages: 2.5,
  perThousandConnections: 20,
} as const;
