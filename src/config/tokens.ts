import * as z from "zod";

/** The public keys and the claims by which a token is verified. The HMAC secret is `TOKEN_HMAC_SECRET`. */
export const tokensSchema = z
  .strictObject({
    // Public keys as PEM (SPKI), one for each family of algorithms.
    rsaPublicKey: z.string().optional(),
    ecdsaPublicKey: z.string().optional(),
    ed25519PublicKey: z.string().optional(),
    jwksUrl: z.url().optional(),
    // A token needs these claims, where they are set.
    audience: z.string().optional(),
    issuer: z.string().optional(),
    userIdClaim: z.string().default("sub"),
  })
  .prefault({});
