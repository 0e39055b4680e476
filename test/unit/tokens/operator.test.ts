import { decodeProtectedHeader, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { clusterSchema } from "../../../src/config/cluster.ts";
import { acceptOperator, signForOperator } from "../../../src/tokens/operator.ts";
import { createVerifier } from "../../../src/tokens/verifier.ts";

const API_KEY = "an-operator's-key";
const APPLICATION_SECRET = "application-secret-of-32-bytes-or-more";

const application = createVerifier({
  tokens: clusterSchema.parse({}).tokens,
  hmacSecrets: [APPLICATION_SECRET],
});
const verifier = acceptOperator(application, [API_KEY]);
const soon = () => Date.now() + 60_000;

describe("[OP1] tokens of the operator's API", () => {
  test("say who they are for, and that they are the operator's", async () => {
    const connection = await verifier.connection(await signForOperator(API_KEY, { sub: "sim-1" }, soon()));
    expect(connection).toMatchObject({ ok: true, claims: { user: "sim-1", operator: true } });
    const claims = { sub: "", channel: "ringcast:live" };
    const subscription = await verifier.subscription(await signForOperator(API_KEY, claims, soon()));
    expect(subscription).toMatchObject({ ok: true, claims: { channel: "ringcast:live", operator: true } });
  });

  test("run out", async () => {
    const token = await signForOperator(API_KEY, { sub: "" }, Date.now() - 5_000);
    expect(await verifier.connection(token)).toMatchObject({ ok: false, reason: "expired" });
  });

  test("end with the API key that made them", async () => {
    const token = await signForOperator("the key before", { sub: "" }, soon());
    expect(await verifier.connection(token)).toMatchObject({ ok: false, reason: "invalid" });
  });

  test("[AU11] outlive a new API key, while the key that made them is the previous one", async () => {
    const token = await signForOperator("the key before", { sub: "" }, soon());
    const rotated = acceptOperator(application, [API_KEY, "the key before"]);
    expect(await rotated.connection(token)).toMatchObject({ ok: true, claims: { operator: true } });
    const ended = await signForOperator("the key before", { sub: "" }, Date.now() - 5_000);
    expect(await rotated.connection(ended)).toMatchObject({ ok: false, reason: "expired" });
    const foreign = await signForOperator("another key", { sub: "" }, soon());
    expect(await rotated.connection(foreign)).toMatchObject({ ok: false, reason: "invalid" });
  });

  test("cannot be made from the API key itself, or from the application's secret", async () => {
    const header = decodeProtectedHeader(await signForOperator(API_KEY, { sub: "" }, soon()));
    for (const secret of [API_KEY, APPLICATION_SECRET]) {
      const forged = await new SignJWT({ sub: "", channel: "ringcast:live" })
        .setProtectedHeader({ ...header, alg: "HS256" })
        .sign(new TextEncoder().encode(secret));
      expect(await verifier.subscription(forged)).toMatchObject({ ok: false, reason: "invalid" });
    }
  });

  test("do not stand in each other's place: one for a channel opens no connection", async () => {
    const token = await signForOperator(API_KEY, { sub: "", channel: "lobby" }, soon());
    expect(await verifier.connection(token)).toMatchObject({ ok: false, reason: "invalid" });
  });

  test("are no one's where there is no API key, and then only the application's are taken", async () => {
    const token = await signForOperator(API_KEY, { sub: "" }, soon());
    expect(await acceptOperator(application, [undefined]).connection(token)).toMatchObject({ ok: false });
  });
});

test("[AU1] the application's own tokens are taken as before, and say nothing of an operator", async () => {
  const token = await new SignJWT({ sub: "ann", operator: true })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(APPLICATION_SECRET));
  const verdict = await verifier.connection(token);
  expect(verdict).toMatchObject({ ok: true, claims: { user: "ann" } });
  expect(verdict.ok && "operator" in verdict.claims).toBe(false);
});
