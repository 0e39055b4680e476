import type { Context } from "hono";
import type { Change, ChangeRefusalCode, ChangeResult } from "../../contracts/change.ts";
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
      request: { query: schema.changeQuery, body: jsonBody(schema.addBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { dryRun, ranges, ...add } = request.req.valid("json");
      return change(request, { kind: "add", ...add }, [request.req.valid("query"), { dryRun, ranges }]);
    },
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/shards/{id}/drain",
      summary: "Move all sessions away from a shard; the shard leaves when it is empty",
      request: { params: shardParam, query: schema.changeQuery, body: jsonBody(schema.drainBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { id } = request.req.valid("param");
      return change(request, { kind: "drain", id }, [request.req.valid("query"), request.req.valid("json")]);
    },
  );
  app.openapi(
    adminRoute({
      method: "delete",
      path: "/shards/{id}",
      summary: "Remove a shard at once; its remaining sessions move",
      request: { params: shardParam, query: schema.changeQuery },
      answer: schema.changeResult,
    }),
    (request) => {
      const { id } = request.req.valid("param");
      return change(request, { kind: "remove", id }, [request.req.valid("query")]);
    },
  );
  app.openapi(
    adminRoute({
      method: "patch",
      path: "/shards/{id}",
      summary: "Change the weight of a shard",
      request: { params: shardParam, query: schema.changeQuery, body: jsonBody(schema.weightBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { weight, ...options } = request.req.valid("json");
      const { id } = request.req.valid("param");
      return change(request, { kind: "weight", id, weight }, [request.req.valid("query"), options]);
    },
  );
  app.openapi(
    adminRoute({
      method: "post",
      path: "/rollback",
      summary: "Bring back the shards of an earlier epoch, as a new epoch",
      request: { query: schema.changeQuery, body: jsonBody(schema.rollbackBody) },
      answer: schema.changeResult,
    }),
    (request) => {
      const { epoch, ...options } = request.req.valid("json");
      return change(request, { kind: "rollback", ringEpoch: epoch }, [request.req.valid("query"), options]);
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

type Options = { readonly dryRun?: boolean | undefined; readonly ranges?: boolean | undefined };

/** An option holds if the query or the body asks for it. */
async function change(
  request: Context<{ Bindings: Cloudflare.Env }>,
  wanted: Change,
  given: readonly Options[],
) {
  const dryRun = given.some((options) => options.dryRun === true);
  const ranges = given.some((options) => options.ranges === true);
  const by = (request.req.header("x-ringcast-by") ?? "operator").slice(0, 100);
  const sent = { change: wanted, dryRun, by };
  const answer = await coordinatorStub(request.env).change(sent, CONTRACT);
  if (answer.kind === "done") return request.json(show(answer.result, { ranges }), 200);
  const { code, message } = answer;
  return fail(request, REFUSAL_STATUS[code], { code, message });
}

/** The coordinator lists every run of slots, and says of a dry run too that it has changed the ring. */
function show({ changed, diff, ...result }: ChangeResult, { ranges }: { readonly ranges: boolean }) {
  const moves = ranges ? diff?.moves : diff?.moves.map(({ ranges: _runs, ...move }) => move);
  return {
    ...result,
    changed: changed && !result.dryRun,
    ...(result.dryRun ? { wouldChange: changed } : {}),
    diff: diff === null || moves === undefined ? null : { ...diff, moves },
  };
}
