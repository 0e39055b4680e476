import fc from "fast-check";
import { expect, test } from "vitest";
import { hashKey, mix32, xxHash32 } from "../../../src/ring/hash.ts";
import { anyText } from "../any-text.ts";

const PRIME_1 = 0x9e3779b1;

// Checked against python-xxhash, which wraps the reference implementation in C.
test.each([
  ["", 0, 0x02cc5d05],
  ["", 0xffffffff, 0x9061da9d],
  ["a", 0, 0x550d7456],
  ["abc", 0, 0x32d153ff],
  ["abc", 0x9747b28c, 0x4d4cb222],
  ["user:42", 1, 0xdd80285e],
  ["I want an unsigned 32-bit seed!", 0, 0xf7a35af8],
  ["Nobody inspects the spammish repetition", 0, 0xe2293b2f],
  ["Nobody inspects the spammish repetition", 0xffffffff, 0xe26fe6cd],
  ["grüße", 0, 0x9804e41c],
  ["日本語のキー", 1, 0x46635b0c],
  ["👩‍🚀 rocket", 0, 0x946037e1],
  ["héllo wörld, 你好 🌍: a key above sixteen bytes", 0x9747b28c, 0x8e01a78f],
])("[RG1] the hash of %j with seed %i is the published one", (key, seed, expected) => {
  expect(hashKey(key, seed)).toBe(expected);
  expect(xxHash32(Buffer.from(key, "utf8"), seed)).toBe(expected);
});

// The check of xxHash itself: XXH32 over the start of one generated buffer.
test.each([
  [0, 0, 0x02cc5d05],
  [0, PRIME_1, 0x36b78ae7],
  [1, 0, 0xcf65b03e],
  [1, PRIME_1, 0xb4545aa4],
  [14, 0, 0x1208e7e2],
  [14, PRIME_1, 0x6af1d1fe],
  [222, 0, 0x5bd11dbd],
  [222, PRIME_1, 0x58803c5f],
])("[RG1] the hash of %i sanity bytes with seed %i is the published one", (length, seed, expected) => {
  expect(xxHash32(sanityBuffer(length), seed)).toBe(expected);
});

test("[RG1] the hashes of every length from 0 to 100 bytes are those of the reference", () => {
  let sum = 0;
  for (let length = 0; length <= 100; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
    sum = (Math.imul(sum, 31) + xxHash32(bytes, length)) >>> 0;
  }
  expect(sum).toBe(0xa103cf8d);
});

test("[RG1] a key hashes as its UTF-8 bytes do, halves of surrogate pairs included", () => {
  // "binary" makes lone surrogates, which "grapheme" never does.
  const text = fc.oneof(
    anyText({ maxLength: 100 }),
    fc.string({ unit: "grapheme", maxLength: 100 }),
    fc.array(fc.integer({ min: 0xd700, max: 0xe000 })).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(text, fc.nat(0xffff_ffff), (key, seed) => {
      expect(hashKey(key, seed)).toBe(xxHash32(Buffer.from(key, "utf8"), seed));
    }),
    { numRuns: 500 },
  );
});

test("[RG1] a key hashes the same below and above the size of the scratch buffer", () => {
  for (const length of [1364, 1365, 1366, 5000]) {
    for (const letter of ["x", "é", "語"]) {
      const key = letter.repeat(length);
      expect(hashKey(key, 7)).toBe(xxHash32(Buffer.from(key, "utf8"), 7));
    }
  }
});

test("[RG1] mixing is one to one", () => {
  const inputs = Array.from({ length: 100_000 }, (_, index) => index);
  expect(new Set(inputs.map(mix32)).size).toBe(inputs.length);
  // MurmurHash3's finaliser of 1, from its reference implementation.
  expect(mix32(1)).toBe(0x514e28b7);
});

function sanityBuffer(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = BigInt(PRIME_1);
  for (let index = 0; index < length; index++) {
    bytes[index] = Number(state >> 56n);
    state = BigInt.asUintN(64, state * 11_400_714_785_074_694_797n);
  }
  return bytes;
}
