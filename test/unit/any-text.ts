import fc from "fast-check";

const codePoint = fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.nat(0x10_ffff));

/**
 * Text of any code points, half surrogates too. `maxLength` counts code points.
 *
 * `fc.string({ unit: "binary" })` says nearly the same, and needs a second to begin.
 */
export const anyText = (limits: { readonly maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.array(codePoint, limits).map((points) => String.fromCodePoint(...points));
