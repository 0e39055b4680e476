import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { DISCONNECTS } from "../centrifuge/codes.ts";
import { shardAddress } from "../contracts/address.ts";
import type { Change, ChangeRefusalCode } from "../contracts/change.ts";
import { readChange, readFannedOut } from "../contracts/contract-1.ts";
import type { ShardReport } from "../contracts/coordinator.ts";
import { CONTRACT } from "../contracts/version.ts";
import { configOf } from "../platform/config.ts";
import { channelStub, coordinatorStub, shardStub } from "../platform/calls.ts";
import { frontsOf } from "../platform/fronts.ts";
import { PRODUCT_VERSION } from "../version.ts";
import * as schema from "./admin-schemas.ts";
import { adminRoute, jsonBody } from "./admin-route.ts";
import { requireKey } from "./auth.ts";
import { answerError } from "./errors.ts";
import { addLive } from "./live.ts";
import { unreachedIds } from "./outcomes.ts";

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
      const { shards, ...cluster } = await coordinatorStub(request.env).cluster(CONTRACT);
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
      const { limit } = request.req.valid("query");
      const epochs = await coordinatorStub(request.env).epochs(limit, CONTRACT);
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
      return request.json(await coordinatorStub(request.env).explain(key, region, CONTRACT), 200);
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
      return change(request, { change: { kind: "add", ...add }, dryRun });
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
    (request) => {
      const { id } = request.req.valid("param");
      return change(request, { change: { kind: "drain", id }, dryRun: request.req.valid("json").dryRun });
    },
  );
  app.openapi(
    adminRoute({
      method: "delete",
      path: "/shards/{id}",
      summary: "Remove a shard at once; whoever is still on it moves",
      request: { params: schema.shardParam, query: schema.dryRunQuery },
      answer: schema.changeResult,
    }),
    (request) => {
      const { id } = request.req.valid("param");
      const dryRun = request.req.valid("query").dryRun === "true";
      return change(request, { change: { kind: "remove", id }, dryRun });
    },
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
      const { id } = request.req.valid("param");
      return change(request, { change: { kind: "weight", id, weight }, dryRun });
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
      return change(request, { change: { kind: "rollback", ringEpoch: epoch }, dryRun });
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
      const { shards } = await coordinatorStub(request.env).descriptor(CONTRACT);
      const shard = shards.find((one) => one.id === id);
      if (shard === undefined) return fail(request, 404, "notFound", `there is no shard ${id}`);
      await Promise.all(
        frontsOf(request.env).map((front) =>
          dies(shardStub(request.env, shardAddress(front, shard)).crash()),
        ),
      );
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
    async (request) => {
      const { user } = request.req.valid("param");
      return request.json(await coordinatorStub(request.env).sessionsOf(user, CONTRACT), 200);
    },
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
      const { user } = request.req.valid("param");
      const action = { kind: "disconnect", user, client: null, except: [], ...DISCONNECTS.forced } as const;
      const { outcomes } = readFannedOut(await coordinatorStub(request.env).act(action, CONTRACT));
      const disconnected = outcomes.reduce((sum, { done }) => sum + (done?.sessions ?? 0), 0);
      const unreachable = unreachedIds(outcomes);
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
} as const satisfies Record<ChangeRefusalCode, number>;

async function change(request: Context<App>, wanted: { readonly change: Change; readonly dryRun: boolean }) {
  const by = (request.req.header("x-ringcast-by") ?? "operator").slice(0, 100);
  const answer = readChange(await coordinatorStub(request.env).change({ ...wanted, by }, CONTRACT));
  if (answer.kind === "done") return request.json(answer.result, 200);
  return fail(request, REFUSAL_STATUS[answer.code], answer.code, answer.message);
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
