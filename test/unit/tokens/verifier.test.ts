import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { createVerifier } from "../../../src/tokens/verifier.ts";

const SECRET = "a-secret-of-at-least-32-bytes-for-hmac!!";
const bytes = (text: string) => new TextEncoder().encode(text);
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

const sign = (claims: JWTPayload, alg = "HS256", key: CryptoKey | Uint8Array = bytes(SECRET), kid?: string) =>
  new SignJWT(claims).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);

const verifierWith = (tokens: Record<string, unknown> = {}, hmacSecret: string | undefined = SECRET) =>
  createVerifier({ tokens: parseConfig({ RINGCAST: { tokens } }).cluster.tokens, hmacSecret });

// Each refusal is logged with its reason; here they are many.
beforeAll(() => void vi.spyOn(console, "warn").mockImplementation(() => undefined));
afterAll(() => void vi.restoreAllMocks());

describe("[AU1] a token is believed if a configured key of its own kind signed it", () => {
  const families = [
    ["RS256", "rsaPublicKey"],
    ["RS512", "rsaPublicKey"],
    ["ES256", "ecdsaPublicKey"],
    ["EdDSA", "ed25519PublicKey"],
  ] as const;
  for (const [alg, setting] of families) {
    test(alg, async () => {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      const other = await generateKeyPair(alg);
      const pem = await exportSPKI(publicKey);
      const verifier = verifierWith({ [setting]: pem }, undefined);
      const token = await sign({ sub: "ann", exp: inSeconds(60) }, alg, privateKey);
      expect(await verifier.connection(token)).toMatchObject({ ok: true, claims: { user: "ann" } });
      const forged = await sign({ sub: "ann" }, alg, other.privateKey);
      expect(await verifier.connection(forged)).toMatchObject({ ok: false, reason: "invalid" });
      // The public key as an HMAC secret: the oldest trick.
      const confused = await sign({ sub: "ann" }, "HS256", bytes(pem));
      expect(await verifier.connection(confused)).toMatchObject({ ok: false, reason: "invalid" });
      expect(await verifierWith({ [setting]: pem }).connection(confused)).toMatchObject({ ok: false });
    });
  }

  test("HS256, HS384 and HS512, and only with the secret", async () => {
    for (const alg of ["HS256", "HS384", "HS512"]) {
      expect(await verifierWith().connection(await sign({ sub: "a" }, alg))).toMatchObject({ ok: true });
    }
    expect(await verifierWith({}, "another").connection(await sign({ sub: "a" }))).toMatchObject({
      ok: false,
      reason: "invalid",
    });
    expect(await verifierWith({}, "").connection(await sign({ sub: "a" }))).toMatchObject({
      ok: false,
      reason: "invalid",
    });
  });

  test("expired is told from invalid, and only of a token that is truly signed", async () => {
    expect(await verifierWith().connection(await sign({ sub: "a", exp: inSeconds(-1) }))).toMatchObject({
      reason: "expired",
    });
    const forged = await sign({ sub: "a", exp: inSeconds(-1) }, "HS256", bytes("x".repeat(40)));
    expect(await verifierWith().connection(forged)).toMatchObject({ reason: "invalid" });
  });

  test("audience, issuer and the user's claim are those of the configuration", async () => {
    const verifier = verifierWith({ audience: "app", issuer: "me", userIdClaim: "uid" });
    expect(
      await verifier.connection(await sign({ uid: "ann", sub: "no", aud: "app", iss: "me" })),
    ).toMatchObject({ claims: { user: "ann" } });
    expect(await verifier.connection(await sign({ uid: "ann", aud: "other", iss: "me" }))).toMatchObject({
      reason: "invalid",
    });
    expect(await verifier.connection(await sign({ uid: "ann", aud: "app" }))).toMatchObject({
      reason: "invalid",
    });
  });

  test("whatever else is sent as a token is invalid, and nothing throws", async () => {
    const verifier = verifierWith();
    const good = await sign({ sub: "a" });
    const mangled = fc.nat(good.length - 1).map((at) => good.slice(0, at) + good.slice(at + 1));
    const unsigned = fc
      .jsonValue()
      .map((claims) => `${btoa('{"alg":"none"}')}.${btoa(encodeURIComponent(JSON.stringify(claims)))}.`);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), mangled, unsigned), async (token) => {
        expect(await verifier.connection(token)).toMatchObject({ ok: false, reason: "invalid" });
        expect(await verifier.subscription(token)).toMatchObject({ ok: false, reason: "invalid" });
      }),
    );
  });

  test("claims of wrong types are invalid", async () => {
    for (const claims of [
      { sub: 7 },
      { channels: "a" },
      { subs: [] },
      { subs: { a: 1 } },
      { expire_at: "soon" },
      { b64info: "***" },
    ]) {
      expect(
        await verifierWith().connection(await sign({ sub: "a", ...claims } as JWTPayload)),
      ).toMatchObject({ reason: "invalid" });
    }
  });

  test("expire_at overrides exp, and 0 means never", async () => {
    const claims = async (payload: JWTPayload) => {
      const verdict = await verifierWith().connection(await sign({ sub: "a", ...payload }));
      return verdict.ok ? verdict.claims : undefined;
    };
    const at = inSeconds(500);
    expect((await claims({ exp: inSeconds(60), expire_at: at }))?.expiresAt).toBe(at);
    expect(await claims({ exp: inSeconds(60), expire_at: 0 })).not.toHaveProperty("expiresAt");
    expect(await claims({ b64info: btoa('{"name":"Ann"}') })).toMatchObject({ info: { name: "Ann" } });
  });
});

describe("[AU2] one kind of token is never taken for the other", () => {
  test("a channel makes it a subscription token", async () => {
    const subscription = await sign({ sub: "a", channel: "room" });
    expect(await verifierWith().connection(subscription)).toMatchObject({ reason: "invalid" });
    expect(await verifierWith().subscription(subscription)).toMatchObject({
      claims: { user: "a", channel: "room" },
    });
    expect(await verifierWith().subscription(await sign({ sub: "a" }))).toMatchObject({ reason: "invalid" });
  });
});

describe("[AU1] keys are fetched from a JWKS", () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  async function serve(answer: () => { status: number; body: unknown }): Promise<string> {
    server = createServer((_, response) => {
      const { status, body } = answer();
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  }

  test("by kid; an unknown one is invalid", async () => {
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256" };
    const verifier = verifierWith({ jwksUrl: await serve(() => ({ status: 200, body: { keys: [jwk] } })) });
    expect(await verifier.connection(await sign({ sub: "ann" }, "RS256", privateKey, "k1"))).toMatchObject({
      claims: { user: "ann" },
    });
    expect(await verifier.connection(await sign({ sub: "ann" }, "RS256", privateKey, "k2"))).toMatchObject({
      reason: "invalid",
    });
    // The shared secret goes on working beside it.
    expect(await verifier.connection(await sign({ sub: "ann" }))).toMatchObject({ ok: true });
  });

  test("while they cannot be had, nothing is said against the token", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const token = await sign({ sub: "ann" }, "RS256", privateKey, "k1");
    const down = verifierWith({ jwksUrl: await serve(() => ({ status: 503, body: {} })) });
    expect(await down.connection(token)).toMatchObject({ reason: "unavailable" });
    const gone = verifierWith({ jwksUrl: "http://127.0.0.1:9/jwks" });
    expect(await gone.connection(token)).toMatchObject({ reason: "unavailable" });
  });
});
