import type { Change, ChangeRefusalCode, ChangeResult } from "../../contracts/change.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { authorOf } from "../access.ts";
import { addRoute, fail, type AdminApp, type AdminRequest } from "./route.ts";
import * as schema from "./schemas/changes.ts";
import { shardParam } from "./schemas/common.ts";

/** The routes that change the ring. Each can also say what would change (SPEC MB5). */
export function addChanges(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "post",
      path: "/shards",
      summary: "Add shards; a shard that is there already changes nothing",
      query: schema.changeQuery,
      body: schema.addBody,
      answer: schema.changeResult,
    },
    (request, { query, body }) => {
      const { dryRun, ranges, ...add } = body;
      return change(request, { kind: "add", ...add }, [query, { dryRun, ranges }]);
    },
  );
  addRoute(
    app,
    {
      method: "post",
      path: "/shards/{id}/drain",
      summary: "Move all sessions away from a shard; the shard leaves when it is empty",
      params: shardParam,
      query: schema.changeQuery,
      body: schema.drainBody,
      answer: schema.changeResult,
    },
    (request, { query, params, body }) => {
      const { id } = params;
      return change(request, { kind: "drain", id }, [query, body]);
    },
  );
  addRoute(
    app,
    {
      method: "delete",
      path: "/shards/{id}",
      summary: "Remove a shard at once; its remaining sessions move",
      params: shardParam,
      query: schema.changeQuery,
      answer: schema.changeResult,
    },
    (request, { query, params }) => {
      const { id } = params;
      return change(request, { kind: "remove", id }, [query]);
    },
  );
  addRoute(
    app,
    {
      method: "patch",
      path: "/shards/{id}",
      summary: "Change the weight of a shard",
      params: shardParam,
      query: schema.changeQuery,
      body: schema.weightBody,
      answer: schema.changeResult,
    },
    (request, { query, params, body }) => {
      const { weight, ...options } = body;
      const { id } = params;
      return change(request, { kind: "weight", id, weight }, [query, options]);
    },
  );
  addRoute(
    app,
    {
      method: "post",
      path: "/rollback",
      summary: "Bring back the shards of an earlier epoch, as a new epoch",
      query: schema.changeQuery,
      body: schema.rollbackBody,
      answer: schema.changeResult,
    },
    (request, { query, body }) => {
      const { epoch, ...options } = body;
      return change(request, { kind: "rollback", ringEpoch: epoch }, [query, options]);
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
async function change(request: AdminRequest, wanted: Change, given: readonly Options[]) {
  const dryRun = given.some((options) => options.dryRun === true);
  const ranges = given.some((options) => options.ranges === true);
  const by = await authorOf(request);
  const sent = { change: wanted, dryRun, by };
  const answer = await coordinatorStub(request.env).change(sent, CONTRACT);
  if (answer.kind === "done") return show(answer.result, { ranges });
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
