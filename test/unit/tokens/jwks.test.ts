import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { sign, verifierWith } from "./signing.ts";

// Each refusal is logged with its reason; here they are many.
beforeAll(() => void vi.spyOn(console, "warn").mockImplementation(() => undefined));
afterAll(() => void vi.restoreAllMocks());

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

describe("[AU1] keys that change", () => {
  let server: Server | undefined;
  afterEach(() => {
    vi.useRealTimers();
    server?.close();
  });

  /** A JWKS that answers what `current` holds at the moment; a text is no JWKS, so the server is down. */
  async function serveJwks(current: { keys: object[] | "down"; fetches?: number }): Promise<string> {
    server = createServer((_, response) => {
      const { keys } = current;
      current.fetches = (current.fetches ?? 0) + 1;
      response.writeHead(keys === "down" ? 503 : 200, { connection: "close" }).end(JSON.stringify({ keys }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  }

  async function makeKey(kid: string) {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const token = () => sign({ sub: kid }, "ES256", privateKey, kid);
    return { jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256" }, publicKey, privateKey, token };
  }

  test("[AU1] a new kid is fetched once the cool-down is over, and the old one goes with its key", async () => {
    const [old, fresh] = [await makeKey("old"), await makeKey("new")];
    const served: { keys: object[] | "down" } = { keys: [old.jwk] };
    const verifier = verifierWith({ jwksUrl: await serveJwks(served) });
    expect(await verifier.connection(await old.token())).toMatchObject({ ok: true });
    served.keys = [fresh.jwk];
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    expect(await verifier.connection(await fresh.token())).toMatchObject({
      ok: true,
      claims: { user: "new" },
    });
    expect(await verifier.connection(await old.token())).toMatchObject({ ok: false, reason: "invalid" });
  });

  test("[AU1] a JWKS that was down is asked again, and the token is believed then", async () => {
    const key = await makeKey("k1");
    const served: { keys: object[] | "down" } = { keys: "down" };
    const verifier = verifierWith({ jwksUrl: await serveJwks(served) });
    expect(await verifier.connection(await key.token())).toMatchObject({ ok: false, reason: "unavailable" });
    served.keys = [key.jwk];
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6_000 });
    expect(await verifier.connection(await key.token())).toMatchObject({ ok: true, claims: { user: "k1" } });
  });

  test("[AU13] many tokens with unknown keys cause one fetch, and another one after the pause", async () => {
    const [known, fresh] = [await makeKey("known"), await makeKey("fresh")];
    const served: { keys: object[] | "down"; fetches?: number } = { keys: [known.jwk] };
    const verifier = verifierWith({ jwksUrl: await serveJwks(served) });
    const strangers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => sign({ sub: "eve" }, "ES256", fresh.privateKey, `unknown-${n}`)),
    );
    const verifyAll = async () => await Promise.all(strangers.map((token) => verifier.connection(token)));
    const invalid = strangers.map(() => expect.objectContaining({ ok: false, reason: "invalid" }));
    expect(await verifyAll()).toEqual(invalid);
    expect(await verifyAll()).toEqual(invalid);
    expect(served.fetches).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    served.keys = [known.jwk, fresh.jwk];
    const [answer] = await Promise.all([verifier.connection(await fresh.token()), verifyAll()]);
    expect(answer).toMatchObject({ ok: true, claims: { user: "fresh" } });
    expect(served.fetches).toBe(2);
  });

  test("[AU13] an address that fails is asked once, and again after a pause", async () => {
    const key = await makeKey("k1");
    const served: { keys: object[] | "down"; fetches?: number } = { keys: "down" };
    const verifier = verifierWith({ jwksUrl: await serveJwks(served) });
    const token = await key.token();
    const unavailable = { ok: false, reason: "unavailable" };
    for (let n = 0; n < 5; n++)
      for (const verdict of await Promise.all([verifier.connection(token), verifier.connection(token)]))
        expect(verdict).toMatchObject(unavailable);
    expect(served.fetches).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6_000 });
    expect(await verifier.connection(token)).toMatchObject(unavailable);
    expect(served.fetches).toBe(2);
  });

  test("[AU13] an outage of its address keeps nobody out whose key is known, for an hour", async () => {
    const key = await makeKey("k1");
    const served: { keys: object[] | "down"; fetches?: number } = { keys: [key.jwk] };
    const verifier = verifierWith({ jwksUrl: await serveJwks(served) });
    const token = await key.token();
    const start = Date.now();
    expect(await verifier.connection(token)).toMatchObject({ ok: true });
    served.keys = "down";
    vi.useFakeTimers({ toFake: ["Date"], now: start + 11 * 60_000 });
    for (let n = 0; n < 2; n++) expect(await verifier.connection(token)).toMatchObject({ ok: true });
    expect(served.fetches).toBe(2);
    vi.setSystemTime(start + 61 * 60_000);
    expect(await verifier.connection(token)).toMatchObject({ ok: false, reason: "unavailable" });
    served.keys = [key.jwk];
    vi.setSystemTime(start + 62 * 60_000);
    expect(await verifier.connection(token)).toMatchObject({ ok: true });
  });

  test("[AU1] a key of the JWKS believes neither another's signature nor a kid that is not its own", async () => {
    const [one, two] = [await makeKey("one"), await makeKey("two")];
    const verifier = verifierWith({ jwksUrl: await serveJwks({ keys: [one.jwk, two.jwk] }) });
    const crossed = await sign({ sub: "ann" }, "ES256", one.privateKey, "two");
    expect(await verifier.connection(crossed)).toMatchObject({ ok: false, reason: "invalid" });
    expect(await verifier.connection(await two.token())).toMatchObject({ ok: true });
  });

  test("[AU1] a token without a kid goes to the configured key, whatever becomes of the JWKS", async () => {
    const key = await makeKey("k1");
    const verifier = verifierWith({
      jwksUrl: await serveJwks({ keys: "down" }),
      ecdsaPublicKey: await exportSPKI(key.publicKey),
    });
    const token = await sign({ sub: "ann" }, "ES256", key.privateKey);
    expect(await verifier.connection(token)).toMatchObject({ ok: true, claims: { user: "ann" } });
    expect(await verifier.connection(await key.token())).toMatchObject({ ok: false, reason: "unavailable" });
  });
});
