import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";

const pem = (type: "spki" | "pkcs1"): string =>
  String(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type, format: "pem" }));
const withKey = (rsaPublicKey: string) => () => parseConfig({ RINGCAST: { tokens: { rsaPublicKey } } });
const withOrigin = (origin: string) => () => parseConfig({ RINGCAST: { allowedOrigins: [origin] } });

describe("[AU5] a setting that would only fail when a client comes", () => {
  test("a public key that cannot be read is refused", () => {
    for (const key of [pem("spki"), pem("spki").trim(), pem("spki").replaceAll("\n", "\r\n")])
      expect(withKey(key)).not.toThrow();
    for (const key of ["", "garbage", pem("spki").replaceAll("\n", "\\n"), pem("pkcs1")])
      expect(withKey(key)).toThrow(/RINGCAST\.tokens\.rsaPublicKey: it must be a public key as PEM/);
  });

  test("an origin that no browser sends is refused", () => {
    for (const origin of [
      "*",
      "null",
      "https://a.b",
      "http://localhost:5173",
      "capacitor://localhost",
      "file://",
    ])
      expect(withOrigin(origin)).not.toThrow();
    for (const origin of ["", "a.b", "https://a.b/", "https://a.b/x", "https://*.a.b"])
      expect(withOrigin(origin)).toThrow(/RINGCAST\.allowedOrigins\.0: an origin is written like/);
  });
});
