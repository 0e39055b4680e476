import * as z from "zod";

/** One that cannot be read would only show when a user comes, who is then told for good that the token is not valid. */
const publicKey = z
  .string()
  .regex(
    /^-----BEGIN PUBLIC KEY-----\s+[A-Za-z0-9+/]+(\s+[A-Za-z0-9+/]+)*={0,2}\s+-----END PUBLIC KEY-----\s*$/,
    'it must be a public key as PEM (SPKI): lines of base64 between "-----BEGIN PUBLIC KEY-----" and "-----END PUBLIC KEY-----"',
  );

/** The public keys and the claims by which a token is verified. The HMAC secret is `TOKEN_HMAC_SECRET`. */
export const tokensSchema = z
  .strictObject({
    // Public keys as PEM (SPKI), one for each family of algorithms.
    rsaPublicKey: publicKey.optional(),
    // For ES256 and the like.
    ecdsaPublicKey: publicKey.optional(),
    // For EdDSA.
    ed25519PublicKey: publicKey.optional(),
    // The address of a JWKS; tokens name their key there by `kid`.
    jwksUrl: z.url({ protocol: /^https?$/ }).optional(),
    // The value that `aud` must have.
    audience: z.string().optional(),
    // The value that `iss` must have.
    issuer: z.string().optional(),
    // The claim that has the user.
    userIdClaim: z.string().default("sub"),
  })
  .prefault({});
