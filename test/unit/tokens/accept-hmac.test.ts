import fc from "fast-check";
import { base64url, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { createAccept } from "../../../src/tokens/accept-hmac.ts";
import { createKeys, type Algorithm } from "../../../src/tokens/keys.ts";
import { parseConfig } from "../../../src/config/config.ts";
import { bytes, inSeconds, SECRET } from "./signing.ts";

const { tokens } = parseConfig({}).cluster;
const [keyFor] = createKeys({ tokens, hmacSecrets: [SECRET] }).hmac;
const accept = createAccept(keyFor ?? (() => Promise.reject(new Error("no key"))));

/** A token of any header and payload, as an attacker may send it. */
async function signAny(header: unknown, payload: unknown, { secret = SECRET, hash = "SHA-256" } = {}) {
  const text = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(payload))}`;
  const key = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash }, false, ["sign"]);
  return `${text}.${base64url.encode(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(text))))}`;
}

const josesClaims = (token: string) =>
  jwtVerify(token, ({ alg }) => keyFor!(alg as Algorithm), { algorithms: ["HS256", "HS384", "HS512"] }).then(
    ({ payload }) => payload as unknown,
    () => undefined,
  );

test("[AU1] a plain token of the secret is accepted at once, with the claims that jose finds", async () => {
  const claims = { sub: "änn", exp: inSeconds(60), nbf: inSeconds(-5), iat: inSeconds(-5), channels: ["a"] };
  for (const header of [{ alg: "HS256" }, { alg: "HS256", typ: "JWT" }, { kid: "k", alg: "HS256" }]) {
    const token = await signAny(header, claims);
    expect(await accept(token, Date.now())).toEqual(claims);
    expect(await josesClaims(token)).toEqual(claims);
  }
  expect(await accept(await signAny({ alg: "HS512" }, claims, { hash: "SHA-512" }), Date.now())).toEqual(
    claims,
  );
});

test("[AU1] no token is accepted that jose refuses, and never with other claims", async () => {
  const time = fc.oneof(
    fc.integer({ min: -100, max: 100 }).map(inSeconds),
    fc.constantFrom("1", null, 1.5, -1, 1e300, true, {}),
  );
  const often = <T>(arbitrary: fc.Arbitrary<T>) => ({ arbitrary, weight: 4 });
  const seldom = <T>(arbitrary: fc.Arbitrary<T>) => ({ arbitrary, weight: 1 });
  const header = fc.oneof(
    often(fc.constant({ alg: "HS256", typ: "JWT" })),
    often(
      fc.record(
        {
          alg: fc.constantFrom("HS256", "HS384", "none", "RS256", "hs256", "", null, ["HS256"]),
          typ: fc.constantFrom("JWT", "x"),
          crit: fc.constantFrom([], ["b64"], ["exp"], "b64"),
          b64: fc.boolean(),
          kid: fc.string(),
        },
        { requiredKeys: [] },
      ),
    ),
    seldom(fc.constantFrom([], null, "HS256")),
  );
  const payload = fc.oneof(
    often(fc.record({ sub: fc.string(), exp: time, nbf: time, iat: time }, { requiredKeys: [] })),
    seldom(fc.constantFrom([], null, "x", 7)),
  );
  const damage = fc.oneof(
    often(fc.constant(null)),
    seldom(fc.tuple(fc.nat(400), fc.constantFrom("", ".", "A", "=", "é"))),
  );
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      header,
      payload,
      fc.oneof(often(fc.constant(true)), seldom(fc.constant(false))),
      damage,
      async (head, body, isOurs, cut) => {
        const whole = await signAny(
          head,
          body,
          isOurs ? {} : { secret: "another-secret-of-32-bytes-or-more" },
        );
        const [at, letter] = cut ?? [0, undefined];
        const token = letter === undefined ? whole : whole.slice(0, at) + letter + whole.slice(at + 1);
        const claims = await accept(token, Date.now());
        if (claims === undefined) return;
        accepted += 1;
        expect(await josesClaims(token)).toEqual(claims);
      },
    ),
    { numRuns: 600 },
  );
  expect(accepted).toBeGreaterThan(10);
});
