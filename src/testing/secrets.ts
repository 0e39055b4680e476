/** Keys of a test. A deployment refuses them (SPEC PK20). */
export const SECRETS = {
  API_KEY: "a-key-of-tests-only",
  READ_KEY: "a-reading-key-of-tests-only",
  TOKEN_HMAC_SECRET: "a-secret-of-tests-only-with-32-bytes",
} as const;
