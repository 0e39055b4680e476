import type { OpenAPIHono } from "@hono/zod-openapi";
import { configOf } from "../platform/config.ts";
import { coordinatorStub } from "../platform/calls.ts";
import { LIVE_CHANNEL } from "../contracts/live.ts";
import { CONTRACT } from "../contracts/version.ts";
import { logError } from "../platform/logger.ts";
import { signForOperator } from "../tokens/operator.ts";
import * as schema from "./admin-schemas.ts";
import { adminRoute, jsonBody } from "./admin-route.ts";
import { accessOf } from "./auth.ts";

/** A page that is closed is not watched for longer than this. The SDK renews by itself. */
const WATCH_MS = 60_000;
/** How long a connection of the page, or of a simulated client, goes on before it shows a new token. */
const CONNECTION_MS = 900_000;

/** What the operator's page needs to be a stock client: tokens to read with, and users for its simulated clients. */
export function addLive(app: OpenAPIHono<{ Bindings: Cloudflare.Env }>): void {
  app.openapi(
    adminRoute({
      method: "post",
      path: "/live",
      summary: "Tokens to watch the cluster, or any channel, with; also for the reading key",
      request: { body: jsonBody(schema.liveBody) },
      answer: schema.liveTokens,
    }),
    async (request) => {
      const { channels } = request.req.valid("json");
      const { env } = request;
      const now = Date.now();
      const expiresAt = now + WATCH_MS;
      const { development, times } = configOf(env).cluster;
      const key = env.API_KEY ?? "";
      if (key === "") {
        return request.json(
          { error: { code: "noApiKey", message: "tokens are signed with the API_KEY, and none is set" } },
          409,
        );
      }
      if (channels.includes(LIVE_CHANNEL)) {
        // A subscription outlives its token by the grace that a refresh has.
        await coordinatorStub(env)
          .watch(expiresAt + times.expiredGraceMs, CONTRACT)
          // Its tokens still open other channels; the page then says that it hears nothing of the cluster.
          .catch((error: unknown) => logError("the coordinator was not told that a page watches", { error }));
      }
      const sign = (channel: string) => signForOperator(key, { sub: "", channel }, expiresAt);
      const tokens = await signEach(channels, sign);
      const connection = await signForOperator(key, { sub: "" }, now + CONNECTION_MS);
      const access: "full" | "read" = (await accessOf(request)) === "full" ? "full" : "read";
      return request.json({ access, development, channel: LIVE_CHANNEL, connection, tokens, expiresAt }, 200);
    },
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/clients",
      summary: "Connection tokens for simulated clients",
      request: { body: jsonBody(schema.clientsBody) },
      answer: schema.clientTokens,
    }),
    async (request) => {
      const expiresAt = Date.now() + CONNECTION_MS;
      const sign = (sub: string) => signForOperator(request.env.API_KEY ?? "", { sub }, expiresAt);
      const tokens = await signEach(request.req.valid("json").users, sign);
      return request.json({ tokens, expiresAt }, 200);
    },
  );
}

/** By name; a name may be `__proto__`. */
async function signEach(
  names: readonly string[],
  sign: (name: string) => Promise<string>,
): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await sign(name)] as const)));
}
