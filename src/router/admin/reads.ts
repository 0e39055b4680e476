import type { ShardReport } from "../../contracts/coordinator.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { addRoute, type AdminApp } from "./route.ts";
import { clusterReport, epochList, epochsQuery, explainQuery, explanation } from "./schemas/reads.ts";

/** The routes that show the shards, the epochs, and the owner of a key. */
export function addReads(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "get",
      path: "/cluster",
      summary: "Show the shards and their present state",
      answer: clusterReport,
    },
    async (request) => {
      const { shards, ...cluster } = await coordinatorStub(request.env).cluster(CONTRACT);
      return { ...cluster, shards: shards.map(showShard) };
    },
  );
  addRoute(
    app,
    {
      method: "get",
      path: "/epochs",
      summary: "List the latest changes, the newest first, with their predicted and reported moves",
      query: epochsQuery,
      answer: epochList,
    },
    async (request, { query }) => {
      const { limit } = query;
      const epochs = await coordinatorStub(request.env).epochs(limit, CONTRACT);
      return { epochs };
    },
  );
  addRoute(
    app,
    {
      method: "get",
      path: "/explain",
      summary: "Show the shard that owns a key, and the reason",
      query: explainQuery,
      answer: explanation,
    },
    async (request, { query }) => {
      const { key, region } = query;
      return await coordinatorStub(request.env).explain(key, region, CONTRACT);
    },
  );
}

function showShard({ status, ...shard }: ShardReport) {
  return {
    ...shard,
    sessions: status?.sessions ?? null,
    guests: countGuests(status),
    channels: status?.channels ?? null,
    ringEpochSeen: status?.ringEpoch ?? null,
    droppedEvents: status === null ? null : (status.droppedEvents ?? 0),
  };
}

const countGuests = (status: ShardReport["status"]): number | null =>
  status?.guests === undefined ? null : Object.values(status.guests).reduce((sum, count) => sum + count, 0);
