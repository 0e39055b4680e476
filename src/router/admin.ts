import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ChangeOrder } from "../coordinator/coordinator.ts";
import { configOf } from "../platform/config.ts";
import { channelStub, coordinatorStub, idOf, shardRef, shardStub } from "../platform/stubs.ts";
import { DISCONNECTS } from "../centrifuge/codes.ts";
import type { ShardReport } from "../contracts/membership.ts";
import { PRODUCT_VERSION } from "../version.ts";
import * as schema from "./admin-schemas.ts";
import { adminRoute, jsonBody } from "./admin-route.ts";
import { requireKey } from "./auth.ts";
import { answerError } from "./errors.ts";
import { addLive } from "./live.ts";

/** A list of a thousand shard ids fits. */
const MAX_BODY_BYTES = 131_072;

type App = { Bindings: Cloudflare.Env };

/** The operator's API: JSON, guarded by the keys, described by `/openapi.json`. */
export function createAdmin(): OpenAPIHono<App> {
  const app = new OpenAPIHono<App>({
    defaultHook: (result, request) => {
      if (result.success) return undefined;
      const [issue] = result.error.issues;
      const field = issue?.path.join(".") ?? "";
      const message = `${field === "" ? result.target : field}: ${issue?.message ?? "cannot be read"}`;
      return answerError(request, 400, { code: "badRequest", message });
    },
  });
  // The document says nothing that is not public, and tools fetch it without a key.
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "Ringcast operator's API", version: PRODUCT_VERSION },
    servers: [{ url: "/admin/api" }],
    security: [{ apiKey: [] }],
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
  });
  app.use(requireKey);
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (request) =>
        answerError(request, 413, {
          code: "tooLarge",
          message: `a body has at most ${MAX_BODY_BYTES} bytes`,
        }),
    }),
  );
  addReads(app);
  addChanges(app);
  addCrashes(app);
  addUsers(app);
  addLive(app);
  app.notFound((request) =>
    answerError(request, 404, {
      code: "notFound",
      message: `there is no ${request.req.method} ${request.req.path}`,
    }),
  );
  return app;
}

function addReads(app: OpenAPIHono<App>): void {
  app.openapi(
    adminRoute({
      method: "get",
      path: "/cluster",
      summary: "The shards as of now",
      answer: schema.clusterReport,
    }),
    async (request) => {
      const { shards, ...cluster } = await coordinatorStub(request.env).cluster();
      return request.json({ ...cluster, shards: shards.map(showShard) }, 200);
    },
  );
  app.openapi(
    adminRoute({
      method: "get",
      path: "/epochs",
      summary: "The last changes, the newest first, with what they were to move and what they moved",
      request: { query: schema.epochsQuery },
      answer: schema.epochList,
    }),
    async (request) => {
      const epochs = await coordinatorStub(request.env).epochs(request.req.valid("query").limit);
      return request.json({ epochs }, 200);
    },
  );
  app.openapi(
    adminRoute({
      method: "get",
      path: "/explain",
      summary: "Who owns a key, and why",
      request: { query: schema.explainQuery },
      answer: schema.explanation,
    }),
    async (request) => {
      const { key, region } = request.req.valid("query");
      return request.json(await coordinatorStub(request.env).explain(key, region), 200);
    },
  );
}

function addChanges(app: OpenAPIHono<App>): void {
  app.openapi(
    adminRoute({
      method: "post",
      path: "/shards",
      summary: "Add shards; adding what is there changes nothing",
      request: { body: jsonBody(schema.addBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { dryRun, ...add } = request.req.valid("json");
      return change(request, { kind: "add", ...add }, dryRun);
    },
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/shards/{id}/drain",
      summary: "Move everybody away from a shard; it leaves when it is empty",
      request: { params: schema.shardParam, body: jsonBody(schema.dryRunBody) },
      answer: schema.changeResult,
    }),
    (request) =>
      change(request, { kind: "drain", id: request.req.valid("param").id }, request.req.valid("json").dryRun),
  );
  app.openapi(
    adminRoute({
      method: "delete",
      path: "/shards/{id}",
      summary: "Remove a shard at once; whoever is still on it moves",
      request: { params: schema.shardParam, query: schema.dryRunQuery },
      answer: schema.changeResult,
    }),
    (request) =>
      change(
        request,
        { kind: "remove", id: request.req.valid("param").id },
        request.req.valid("query").dryRun === "true",
      ),
  );
  app.openapi(
    adminRoute({
      method: "patch",
      path: "/shards/{id}",
      summary: "Change a shard's weight",
      request: { params: schema.shardParam, body: jsonBody(schema.weightBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { weight, dryRun } = request.req.valid("json");
      return change(request, { kind: "weight", id: request.req.valid("param").id, weight }, dryRun);
    },
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/rollback",
      summary: "Go back to the shards of an earlier epoch, as a new epoch",
      request: { body: jsonBody(schema.rollbackBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { epoch, dryRun } = request.req.valid("json");
      return change(request, { kind: "rollback", ringEpoch: epoch }, dryRun);
    },
  );
}

/** A crash shows how a cluster recovers; nobody should do that to one that serves people. */
function addCrashes(app: OpenAPIHono<App>): void {
  const closed = (request: Context<App>) =>
    configOf(request.env).cluster.development
      ? undefined
      : fail(request, 403, "developmentOnly", "crashes are for where `development` is on");
  app.openapi(
    adminRoute({
      method: "post",
      path: "/shards/{id}/crash",
      summary: "Crash a shard, to see its clients recover (only where `development` is on)",
      request: { params: schema.shardParam },
      answer: schema.crashed,
    }),
    async (request) => {
      const refusal = closed(request);
      if (refusal !== undefined) return refusal;
      const { id } = request.req.valid("param");
      const { shards } = await coordinatorStub(request.env).descriptor();
      const shard = shards.find((one) => one.id === id);
      if (shard === undefined) return fail(request, 404, "notFound", `there is no shard ${id}`);
      await dies(shardStub(request.env, shardRef(shard)).crash());
      return request.json({ crashed: id }, 200);
    },
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/channels/{channel}/crash",
      summary: "Crash a channel's object (only where `development` is on)",
      request: { params: schema.channelParam },
      answer: schema.crashed,
    }),
    async (request) => {
      const refusal = closed(request);
      if (refusal !== undefined) return refusal;
      const { channel } = request.req.valid("param");
      await dies(channelStub(request.env, channel).crash());
      return request.json({ crashed: channel }, 200);
    },
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/coordinator/crash",
      summary: "Crash the coordinator (only where `development` is on)",
      answer: schema.crashed,
    }),
    async (request) => {
      const refusal = closed(request);
      if (refusal !== undefined) return refusal;
      await dies(coordinatorStub(request.env).crash());
      return request.json({ crashed: "coordinator" }, 200);
    },
  );
}

/** A call dies with the object that it crashes. */
const dies = (call: Promise<void>) => call.catch(() => undefined);

function addUsers(app: OpenAPIHono<App>): void {
  app.openapi(
    adminRoute({
      method: "get",
      path: "/users/{user}/sessions",
      summary: "Every session of a user, on all shards",
      request: { params: schema.userParam },
      answer: schema.userSessions,
    }),
    async (request) =>
      request.json(await coordinatorStub(request.env).sessionsOf(request.req.valid("param").user), 200),
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/users/{user}/disconnect",
      summary: "Close every session of a user; its clients do not reconnect",
      request: { params: schema.userParam },
      answer: schema.userDisconnected,
    }),
    async (request) => {
      const { outcomes } = await coordinatorStub(request.env).act({
        kind: "disconnect",
        user: request.req.valid("param").user,
        client: null,
        except: [],
        ...DISCONNECTS.forced,
      });
      const disconnected = outcomes.reduce((sum, { done }) => sum + (done?.sessions ?? 0), 0);
      const unreachable = outcomes.filter(({ done }) => done === null).map(({ name }) => idOf(name));
      return request.json({ disconnected, unreachable }, 200);
    },
  );
}

const REFUSAL_STATUS = {
  notFound: 404,
  conflict: 409,
  lastShard: 409,
  tooManyShards: 409,
  badShards: 400,
} as const;

async function change(request: Context<App>, wanted: ChangeOrder["change"], dryRun: boolean) {
  const by = request.req.header("x-ringcast-by") ?? "operator";
  const { result, refused } = await coordinatorStub(request.env).change({
    change: wanted,
    dryRun,
    by: by.slice(0, 100),
  });
  if (result !== null) return request.json(result, 200);
  const code = (refused?.code ?? "conflict") as keyof typeof REFUSAL_STATUS;
  return fail(request, REFUSAL_STATUS[code], code, refused?.message ?? "refused");
}

function showShard({ status, ...shard }: ShardReport) {
  return {
    ...shard,
    sessions: status?.sessions ?? null,
    channels: status?.channels ?? null,
    ringEpochSeen: status?.ringEpoch ?? null,
  };
}

function fail(request: Context<App>, status: 400 | 403 | 404 | 409, code: string, message: string) {
  return request.json({ error: { code, message } }, status);
}
