import * as z from "zod";

/** The public keys and the claims by which a token is verified. The HMAC secret is `TOKEN_HMAC_SECRET`. */
export const tokensSchema = z
  .strictObject({
    // Public keys as PEM (SPKI), one for each family of algorithms.
    rsaPublicKey: z.string().optional(),
    // For ES256 and the like.
    ecdsaPublicKey: z.string().optional(),
    // For EdDSA.
    ed25519PublicKey: z.string().optional(),
    // The address of a JWKS; tokens name their key there by `kid`.
    jwksUrl: z.url().optional(),
    // The value that `aud` must have.
    audience: z.string().optional(),
    // The value that `iss` must have.
    issuer: z.string().optional(),
    // The claim that has the user.
    userIdClaim: z.string().default("sub"),
  })
  .prefault({});
