/** A key that is shorter can be guessed. */
const MIN_KEY_CHARACTERS = 16;
/** RFC 7518: the secret of an HMAC is at least as long as the hash. */
const MIN_HMAC_BYTES = 32;

/**
 * The values of the templates' `.dev.vars.example`, and of `ringcast/testing`. Everybody can read them, and the "Deploy to
 * Cloudflare" button offers the former as the values to deploy.
 */
const PUBLISHED = /^replace-me|-of-tests-only/;

/** The secrets of a deployment. Each has a second, previous value while it is replaced (SPEC AU11). */
const SECRETS = ["API_KEY", "READ_KEY", "TOKEN_HMAC_SECRET"] as const;

/** A key of one operator, which counts like the `API_KEY` and names its holder in the record of changes (SPEC OP20). */
const OPERATOR_KEY = "OPERATOR_KEY_";

/** The name of the operator whose key a secret is, in lower case: `ann` for `OPERATOR_KEY_ANN`. */
export const operatorOfSecret = (secret: string): string | undefined =>
  secret.startsWith(OPERATOR_KEY) && secret.length > OPERATOR_KEY.length
    ? secret.slice(OPERATOR_KEY.length).toLowerCase()
    : undefined;

/** Whether a variable of this name is a secret of Ringcast's. */
export const isSecretName = (name: string): boolean =>
  SECRETS.some((secret) => name === secret || name === `${secret}_PREVIOUS`) ||
  name === "WEBHOOK_SECRET" ||
  operatorOfSecret(name) !== undefined;

/** The secrets that are too short, or serve for two purposes. An absent secret opens nothing, and is no problem. */
export function findWeakSecrets(variables: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  const own = Object.keys(variables).filter((name) => operatorOfSecret(name) !== undefined);
  for (const secret of [...SECRETS, ...own]) {
    for (const name of own.includes(secret) ? [secret] : [secret, `${secret}_PREVIOUS`]) {
      const value = variables[name];
      if (value === undefined || value === "") continue;
      if (typeof value !== "string") {
        problems.push(`${name}: a secret is a text`);
        continue;
      }
      const owner = owners.get(value) ?? secret;
      owners.set(value, owner);
      if (owner !== secret) problems.push(`${name}: has the value of ${owner}`);
      if (
        secret === "TOKEN_HMAC_SECRET" &&
        encodeURIComponent(value.toWellFormed()).replaceAll(/%../g, "x").length < MIN_HMAC_BYTES
      )
        problems.push(`${name}: has fewer than ${MIN_HMAC_BYTES} bytes`);
      else if (value.length < MIN_KEY_CHARACTERS)
        problems.push(`${name}: has fewer than ${MIN_KEY_CHARACTERS} characters`);
    }
  }
  return problems;
}

/** The secrets that anybody can read, because a template or `ringcast/testing` has them (SPEC PK20). */
export function findPublishedSecrets(variables: Readonly<Record<string, unknown>>): string[] {
  return SECRETS.flatMap((secret) => [secret, `${secret}_PREVIOUS`])
    .filter((name) => PUBLISHED.test(String(variables[name])))
    .map((name) => `${name}: has the published value of an example; set a random one (openssl rand -hex 32)`);
}
