import { expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { effectiveSettings } from "../../../src/config/effective.ts";

const variables = {
  API_KEY: "a-key-that-nobody-sees",
  WEBHOOK_SECRET: `whsec_${btoa("a-secret-that-nobody-sees")}`,
  RINGCAST: {
    limits: { sessionsPerShard: 77 },
    webhook: { url: "https://user:word@hooks.test/in?token=hush", events: ["shards"] },
    allowedOrigins: ["https://a.test"],
  },
  RINGCAST_NS_chat: { history_size: 10, history_ttl: "10m" },
};

test("[OP23] each setting in force has the name that sets it, and says whether it is the default", () => {
  const settings = new Map(effectiveSettings(parseConfig(variables)).map((one) => [one.name, one]));
  expect(settings.get("RINGCAST.limits.sessionsPerShard")).toMatchObject({ value: 77, isDefault: false });
  expect(settings.get("RINGCAST.insecure")).toMatchObject({ value: false, isDefault: true });
  expect(settings.get("RINGCAST.allowedOrigins")).toMatchObject({
    value: ["https://a.test"],
    isDefault: false,
  });
  expect(settings.get("RINGCAST_NS_chat.history_size")).toMatchObject({ value: 10, isDefault: false });
  expect(settings.get("RINGCAST_NS_DEFAULT.history_size")).toMatchObject({ value: 0, isDefault: true });
});

test("[OP23] no secret, password or query of an address is shown", () => {
  const text = JSON.stringify(effectiveSettings(parseConfig(variables)));
  for (const secret of ["nobody", "word", "hush", "whsec"]) expect(text).not.toContain(secret);
  expect(text).toContain("https://(hidden)@hooks.test/in?(hidden)");
});
