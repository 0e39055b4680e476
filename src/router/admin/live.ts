import { LIVE_CHANNEL } from "../../contracts/live.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { configOf } from "../../platform/config.ts";
import { publishLive } from "../../platform/live-channel.ts";
import { logError } from "../../platform/logger.ts";
import { signForOperator } from "../../tokens/operator.ts";
import { accessOf } from "../access.ts";
import { refusalsOf } from "../refusals.ts";
import { addRoute, fail, type AdminApp } from "./route.ts";
import { clientsBody, clientTokens, liveBody, liveTokens } from "./schemas/live.ts";

/** The cluster reports to the live feed for this long after a page was closed. The SDK renews the token by itself. */
const WATCH_MS = 60_000;
/** A connection of the page or of a simulated client needs a new token after this time. */
const CONNECTION_MS = 900_000;

/** The routes that sign tokens for the operator's page and for its simulated clients, which are stock clients. */
export function addLive(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "post",
      path: "/live",
      summary: "Sign tokens to watch the cluster or channels with; the reading key may ask for them too",
      body: liveBody,
      answer: liveTokens,
    },
    async (request, { body }) => {
      const { channels } = body;
      const { env } = request;
      const now = Date.now();
      const expiresAt = now + WATCH_MS;
      const { development, socketio, times } = configOf(env).cluster;
      const key = env.API_KEY ?? "";
      if (key === "") {
        const message = "tokens are signed with the API_KEY, and the deployment has none";
        return fail(request, 409, { code: "noApiKey", message });
      }
      if (channels.includes(LIVE_CHANNEL)) {
        // A subscription goes on after the end of its token until the grace for a refresh has passed.
        await watch(env, expiresAt + times.expiredGraceMs);
        const codes = refusalsOf(env).take(now);
        if (codes !== undefined)
          request.executionCtx.waitUntil(publishLive(env, { kind: "refused", at: now, codes }));
      }
      const sign = (channel: string) => signForOperator(key, { sub: "", channel }, expiresAt);
      const tokens = await signEach(channels, sign);
      const connection = await signForOperator(key, { sub: "" }, now + CONNECTION_MS);
      const access: "full" | "read" = (await accessOf(request)) === "full" ? "full" : "read";
      const socketioPath = socketio.path;
      return { access, development, socketioPath, channel: LIVE_CHANNEL, connection, tokens, expiresAt };
    },
  );
  addRoute(
    app,
    {
      method: "post",
      path: "/clients",
      summary: "Sign connection tokens for simulated clients",
      body: clientsBody,
      answer: clientTokens,
    },
    async (request, { body }) => {
      const expiresAt = Date.now() + CONNECTION_MS;
      const sign = (sub: string) => signForOperator(request.env.API_KEY ?? "", { sub }, expiresAt);
      const tokens = await signEach(body.users, sign);
      return { tokens, expiresAt };
    },
  );
}

/** Where the coordinator fails, the page still gets its tokens: they open other channels, and the feed stays silent. */
async function watch(env: RingcastEnv, until: number): Promise<void> {
  try {
    await coordinatorStub(env).watch(until, CONTRACT);
  } catch (error) {
    logError("the coordinator was not told that a page watches", { channel: LIVE_CHANNEL, error });
  }
}

/** Tokens by name. `Object.fromEntries` also takes the name `__proto__`. */
async function signEach(
  names: readonly string[],
  sign: (name: string) => Promise<string>,
): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await sign(name)] as const)));
}
