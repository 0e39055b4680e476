import type { Context } from "hono";
import type { Change, ChangeRefusalCode } from "../../contracts/change.ts";
import { readChange } from "../../contracts/contract-1.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { adminRoute, fail, jsonBody, type AdminApp } from "./route.ts";
import * as schema from "./schemas/changes.ts";
import { shardParam } from "./schemas/common.ts";

/** The routes that change the ring. Each can also say what would change (SPEC MB5). */
export function addChanges(app: AdminApp): void {
  app.openapi(
    adminRoute({
      method: "post",
      path: "/shards",
      summary: "Add shards; a shard that is there already changes nothing",
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
      summary: "Move all sessions away from a shard; the shard leaves when it is empty",
      request: { params: shardParam, body: jsonBody(schema.dryRunBody) },
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
      summary: "Remove a shard at once; its remaining sessions move",
      request: { params: shardParam, query: schema.dryRunQuery },
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
      summary: "Change the weight of a shard",
      request: { params: shardParam, body: jsonBody(schema.weightBody) },
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
      summary: "Bring back the shards of an earlier epoch, as a new epoch",
      request: { body: jsonBody(schema.rollbackBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { epoch, dryRun } = request.req.valid("json");
      return change(request, { change: { kind: "rollback", ringEpoch: epoch }, dryRun });
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

async function change(
  request: Context<{ Bindings: Cloudflare.Env }>,
  wanted: { readonly change: Change; readonly dryRun: boolean },
) {
  const by = (request.req.header("x-ringcast-by") ?? "operator").slice(0, 100);
  const answer = readChange(await coordinatorStub(request.env).change({ ...wanted, by }, CONTRACT));
  if (answer.kind === "done") return request.json(answer.result, 200);
  const { code, message } = answer;
  return fail(request, REFUSAL_STATUS[code], { code, message });
}
