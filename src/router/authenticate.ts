import type { Context } from "hono";
import type { ClusterConfig } from "../config/cluster.ts";
import { identityAnswer } from "../hooks/answers.ts";
import { ask } from "../hooks/ask.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { ERRORS } from "../centrifuge/codes.ts";
import type { RouteIdentity } from "../contracts/route.ts";

/** It travels in a header and rests in the socket's attachment. */
const MAX_IDENTITY_LENGTH = 8_192;

/** Asks the deployment's own code who opens a connection; undefined where that says nothing (SPEC HK3). */
export async function authenticate(
  request: Context<{ Bindings: Cloudflare.Env }>,
  { cluster, hooks }: { readonly cluster: ClusterConfig; readonly hooks: Hooks },
  region: string,
): Promise<RouteIdentity | undefined> {
  if (hooks.authenticate === undefined) return undefined;
  const event = { env: request.env, region, request: request.req.raw };
  const asked = await ask("authenticate", () => hooks.authenticate?.(event), {
    answers: identityAnswer,
    timeoutMs: cluster.times.hookTimeoutMs,
  });
  if (asked.kind !== "pass") return asked;
  const { user, ...rest } = asked.change;
  if (user === undefined) return undefined;
  const identity = { kind: "user", user, ...rest } as const;
  if (JSON.stringify(identity).length <= MAX_IDENTITY_LENGTH) return identity;
  console.error(`authenticate answered more than ${MAX_IDENTITY_LENGTH} characters`);
  return { kind: "error", error: ERRORS.internal };
}
