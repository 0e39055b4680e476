import fc from "fast-check";
import { exportSPKI, generateKeyPair, UnsecuredJWT, type JWTPayload } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { createVerifier } from "../../../src/tokens/verifier.ts";
import { bytes, inSeconds, SECRET, sign, verifierWith } from "./signing.ts";

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

  test("[AU11] the previous secret counts as long as it is configured", async () => {
    const { tokens } = parseConfig({}).cluster;
    const [before, other] = ["the-secret-before-of-32-bytes-or-more", "another-secret-of-32-bytes-or-more"];
    const rotated = createVerifier({ tokens, hmacSecrets: [SECRET, before] });
    const after = createVerifier({ tokens, hmacSecrets: [SECRET, undefined] });
    for (const alg of ["HS256", "HS512"]) {
      const old = await sign({ sub: "ann" }, alg, bytes(before));
      expect(await rotated.connection(old)).toMatchObject({ ok: true, claims: { user: "ann" } });
      expect(await rotated.connection(await sign({ sub: "ann" }, alg))).toMatchObject({ ok: true });
      expect(await after.connection(old)).toMatchObject({ ok: false, reason: "invalid" });
      const forged = await sign({ sub: "ann" }, alg, bytes(other));
      expect(await rotated.connection(forged)).toMatchObject({ ok: false, reason: "invalid" });
      const ended = await sign({ sub: "ann", exp: inSeconds(-60) }, alg, bytes(before));
      expect(await rotated.connection(ended)).toMatchObject({ ok: false, reason: "expired" });
    }
  });

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

  test("any other text that is sent as a token is invalid, and nothing throws", async () => {
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

describe("[AU1] an unsigned token", () => {
  test("[AU1] a token with alg none is invalid, however its header spells it", async () => {
    const unsigned = new UnsecuredJWT({ sub: "ann", channel: "room" }).encode();
    const [, payload = ""] = unsigned.split(".");
    const header = (alg: unknown) => Buffer.from(JSON.stringify({ alg })).toString("base64url");
    for (const alg of ["none", "None", "", undefined, null, 1, ["HS256"], "toString", "__proto__"]) {
      for (const token of [`${header(alg)}.${payload}.`, `${header(alg)}.${payload}.AAAA`]) {
        expect(await verifierWith().connection(token)).toMatchObject({ ok: false, reason: "invalid" });
        expect(await verifierWith().subscription(token)).toMatchObject({ ok: false, reason: "invalid" });
      }
    }
  });

  test("[AU1] a signed token whose claims are exchanged is invalid", async () => {
    const [header = "", , signature = ""] = (await sign({ sub: "ann" })).split(".");
    await fc.assert(
      fc.asyncProperty(fc.string(), async (sub) => {
        fc.pre(sub !== "ann");
        const payload = Buffer.from(JSON.stringify({ sub })).toString("base64url");
        const verdict = await verifierWith().connection(`${header}.${payload}.${signature}`);
        expect(verdict).toMatchObject({ ok: false, reason: "invalid" });
      }),
    );
  });

  test("[AU1] garbage is invalid to public keys too, and nothing throws", async () => {
    const { publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const verifier = verifierWith({ ed25519PublicKey: await exportSPKI(publicKey) }, undefined);
    const part = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString("base64url")),
    );
    const header = Buffer.from('{"alg":"EdDSA"}').toString("base64url");
    const token = fc.tuple(fc.oneof(fc.constant(header), part), part, part).map((parts) => parts.join("."));
    await fc.assert(
      fc.asyncProperty(token, async (garbage) => {
        expect(await verifier.connection(garbage)).toMatchObject({ ok: false, reason: "invalid" });
      }),
    );
  });

  test("[AU1] a token longer than any frame is invalid, though signed", async () => {
    const token = await sign({ sub: "ann", info: "x".repeat(16_384) });
    expect(await verifierWith().connection(token)).toMatchObject({ ok: false, reason: "invalid" });
  });

  test("[AU1] a verifier without any key accepts no token", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const { tokens } = parseConfig({}).cluster;
    const verifier = createVerifier({ tokens, hmacSecrets: [] });
    for (const token of [await sign({ sub: "ann" }), await sign({ sub: "ann" }, "RS256", privateKey, "k1")]) {
      expect(await verifier.connection(token)).toMatchObject({ ok: false, reason: "invalid" });
    }
  });
});

describe("[AU1] the claims of a connection token", () => {
  const claimsOf = async (payload: JWTPayload, tokens = {}) => {
    const verdict = await verifierWith(tokens).connection(await sign(payload));
    return verdict.ok ? verdict.claims : verdict.reason;
  };

  test("[AU1] a token with no user, or with the user under another claim, names no user", async () => {
    expect(await claimsOf({})).toEqual({ user: "", channels: [], subs: {} });
    expect(await claimsOf({ sub: "ann" }, { userIdClaim: "uid" })).toMatchObject({ user: "" });
    expect(await claimsOf({ uid: 7 }, { userIdClaim: "uid" })).toBe("invalid");
    expect(await claimsOf({ sub: "x".repeat(256) })).toBe("invalid");
  });

  test("[AU1] an audience in a list suffices, and a missing one does not", async () => {
    expect(await claimsOf({ sub: "ann", aud: ["web", "app"] }, { audience: "app" })).toMatchObject({
      user: "ann",
    });
    expect(await claimsOf({ sub: "ann" }, { audience: "app" })).toBe("invalid");
  });

  test("[AU1] a token that is not valid yet is invalid", async () => {
    expect(await claimsOf({ sub: "ann", nbf: inSeconds(60) })).toBe("invalid");
  });

  test("[AU1] exp holds where expire_at is absent, and ends a token that expire_at would keep", async () => {
    const exp = inSeconds(60);
    expect(await claimsOf({ exp })).toMatchObject({ expiresAt: exp });
    expect(await claimsOf({ exp: inSeconds(-1), expire_at: 0 })).toBe("expired");
  });

  test("[AU1] channels and subs are read, with base64 before plain JSON", async () => {
    const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
    const subs = {
      plain: { info: { a: 1 }, data: [2] },
      encoded: { info: "hidden", b64info: base64({ name: "Zoë" }), b64data: base64({ hello: "日本" }) },
      empty: {},
    };
    expect(await claimsOf({ sub: "ann", channels: ["a", "b"], subs, info: "plain" })).toEqual({
      user: "ann",
      info: "plain",
      channels: ["a", "b"],
      subs: {
        plain: { info: { a: 1 }, data: [2] },
        encoded: { info: { name: "Zoë" }, data: { hello: "日本" } },
        empty: {},
      },
    });
  });

  test.each(["***", "bm8ganNvbg==", "//8="])(
    "[AU1] %s, which is no base64 of JSON, is invalid",
    async (b64) => {
      expect(await claimsOf({ b64info: b64 })).toBe("invalid");
      expect(await claimsOf({ subs: { a: { b64data: b64 } } })).toBe("invalid");
    },
  );
});

describe("[AU2] the claims of a subscription token", () => {
  const claimsOf = async (payload: JWTPayload, tokens = {}) => {
    const verdict = await verifierWith(tokens).subscription(await sign(payload));
    return verdict.ok ? verdict.claims : verdict.reason;
  };

  test("[AU2] it opens the one channel that it names, to the user and the client that it names", async () => {
    const b64info = Buffer.from('{"role":"host"}').toString("base64");
    const exp = inSeconds(60);
    expect(await claimsOf({ sub: "ann", channel: "$room", client: "c1", b64info, exp })).toEqual({
      user: "ann",
      channel: "$room",
      client: "c1",
      info: { role: "host" },
      expiresAt: exp,
    });
    expect(await claimsOf({ channel: "room" })).toEqual({ user: "", channel: "room" });
    expect(await claimsOf({ uid: "ann", channel: "room" }, { userIdClaim: "uid" })).toMatchObject({
      user: "ann",
    });
  });

  test.each([undefined, null, "", 1, ["room"], { room: {} }])(
    "[AU2] the channel %j opens nothing",
    async (channel) => {
      expect(await claimsOf({ sub: "ann", channel, channels: ["room"] })).toBe("invalid");
    },
  );

  test("[AU2] a client that is not text is invalid, and so is a channel in a connection token", async () => {
    expect(await claimsOf({ sub: "ann", channel: "room", client: 1 })).toBe("invalid");
    for (const channel of ["", null, 1, "room"]) {
      const token = await sign({ sub: "ann", channel });
      expect(await verifierWith().connection(token)).toMatchObject({ ok: false, reason: "invalid" });
    }
  });

  test("[AU2] expire_at overrides exp, 0 is never, and an expired token opens nothing", async () => {
    const at = inSeconds(500);
    const room = { sub: "ann", channel: "room" };
    expect(await claimsOf({ ...room, exp: inSeconds(60), expire_at: at })).toMatchObject({ expiresAt: at });
    expect(await claimsOf({ ...room, exp: inSeconds(60), expire_at: 0 })).not.toHaveProperty("expiresAt");
    expect(await claimsOf({ ...room, exp: inSeconds(-1) })).toBe("expired");
    expect(await claimsOf({ ...room, expire_at: -1 })).toBe("invalid");
  });

  test("[AU2] another audience or issuer opens nothing", async () => {
    const settings = { audience: "app", issuer: "me" };
    const room = { sub: "ann", channel: "room" };
    expect(await claimsOf({ ...room, aud: "app", iss: "me" }, settings)).toMatchObject({ channel: "room" });
    expect(await claimsOf({ ...room, aud: "other", iss: "me" }, settings)).toBe("invalid");
    expect(await claimsOf({ ...room, aud: "app", iss: "you" }, settings)).toBe("invalid");
  });
});

test("[AU1] a claim that is null is absent, as a back end in Go writes it", async () => {
  const verifier = verifierWith();
  for (const claims of [
    { sub: "ann", channels: null },
    { sub: "ann", subs: null },
    { sub: "ann", subs: { a: null } },
    { sub: "ann", b64info: null },
    { sub: "ann", expire_at: null },
    { sub: null },
  ])
    expect(await verifier.connection(await sign(claims as never)), JSON.stringify(claims)).toMatchObject({
      ok: true,
    });
  expect(await verifier.connection(await sign({ sub: "ann", info: null }))).toMatchObject({
    claims: { info: null },
  });
  const subscription = await sign({ sub: "ann", channel: "a", client: null, expire_at: null });
  expect(await verifier.subscription(subscription)).toMatchObject({ claims: { channel: "a" } });
  expect(await verifier.subscription(await sign({ sub: "ann", channel: null }))).toMatchObject({
    ok: false,
  });
});
