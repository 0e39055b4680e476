const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

// One UTF-16 unit is at most three bytes of UTF-8; room for 1,365 units, far above the limit of a key.
const SCRATCH_BYTES = 4096;
const scratch = new Uint8Array(SCRATCH_BYTES);

/**
 * xxHash32 of a key's UTF-8 bytes, 0 to 2^32 - 1 (RG1).
 *
 * A surrogate without its other half counts as U+FFFD, as in every TextEncoder.
 */
export function hashKey(key: string, seed: number): number {
  const most = key.length * 3;
  const bytes = most <= SCRATCH_BYTES ? scratch : new Uint8Array(most);
  return hashBytes(bytes, encodeUtf8(key, bytes), seed);
}

/** {@link hashKey} with one seed. */
export const keyHasher =
  (seed: number) =>
  (key: string): number =>
    hashKey(key, seed);

/** xxHash32, 0 to 2^32 - 1. The seed counts modulo 2^32. Source: xxHash specification, version 0.1.1. */
export function xxHash32(bytes: Uint8Array, seed: number): number {
  return hashBytes(bytes, bytes.length, seed);
}

/** Spreads the bits of a 32-bit integer; one to one, so distinct numbers stay distinct (MurmurHash3's finaliser). */
export function mix32(n: number): number {
  let mixed = n;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hashBytes(bytes: Uint8Array, length: number, seed: number): number {
  let at = 0;
  let hash: number;
  if (length >= 16) {
    let lane1 = (seed + PRIME_1 + PRIME_2) | 0;
    let lane2 = (seed + PRIME_2) | 0;
    let lane3 = seed | 0;
    let lane4 = (seed - PRIME_1) | 0;
    for (const last = length - 16; at <= last; at += 16) {
      lane1 = round(lane1, word(bytes, at));
      lane2 = round(lane2, word(bytes, at + 4));
      lane3 = round(lane3, word(bytes, at + 8));
      lane4 = round(lane4, word(bytes, at + 12));
    }
    hash = (rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)) | 0;
  } else {
    hash = (seed + PRIME_5) | 0;
  }
  hash = (hash + length) | 0;
  for (; at + 4 <= length; at += 4) {
    hash = Math.imul(rotate(hash + Math.imul(word(bytes, at), PRIME_3), 17), PRIME_4);
  }
  for (; at < length; at++) {
    hash = Math.imul(rotate(hash + Math.imul(byte(bytes, at), PRIME_5), 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const round = (lane: number, input: number): number =>
  Math.imul(rotate(lane + Math.imul(input, PRIME_2), 13), PRIME_1);

const rotate = (n: number, bits: number): number => (n << bits) | (n >>> (32 - bits));

// The callers stay within the length; `?? 0` only satisfies the compiler.
const byte = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;

// Little-endian by hand: a Uint32Array would follow the machine.
const word = (bytes: Uint8Array, at: number): number =>
  byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);

/** Writes the UTF-8 of `text` and answers its length. `into` MUST have three bytes for each UTF-16 unit. */
function encodeUtf8(text: string, into: Uint8Array): number {
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at);
    if (code < 0x80) {
      into[end++] = code;
      continue;
    }
    if (code < 0x800) {
      into[end++] = 0xc0 | (code >> 6);
      into[end++] = 0x80 | (code & 0x3f);
      continue;
    }
    if (isSurrogate(code)) {
      // A whole pair is above U+FFFF, half a pair stays below.
      code = text.codePointAt(at) ?? REPLACEMENT;
      if (code > 0xffff) {
        at++;
        into[end++] = 0xf0 | (code >> 18);
        into[end++] = 0x80 | ((code >> 12) & 0x3f);
        into[end++] = 0x80 | ((code >> 6) & 0x3f);
        into[end++] = 0x80 | (code & 0x3f);
        continue;
      }
      code = REPLACEMENT;
    }
    into[end++] = 0xe0 | (code >> 12);
    into[end++] = 0x80 | ((code >> 6) & 0x3f);
    into[end++] = 0x80 | (code & 0x3f);
  }
  return end;
}

const REPLACEMENT = 0xfffd;
const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
