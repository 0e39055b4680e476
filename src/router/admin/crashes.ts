import { shardAddress } from "../../contracts/address.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { channelStub, coordinatorStub, shardStub } from "../../platform/calls.ts";
import { configOf } from "../../platform/config.ts";
import { frontsOf } from "../../platform/fronts.ts";
import { addRoute, fail, type AdminApp, type AdminRequest } from "./route.ts";
import { channelParam, crashed, shardParam } from "./schemas/common.ts";

/** The routes that crash an object, to show how the cluster recovers. They work only where `development` is on. */
export function addCrashes(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "post",
      path: "/shards/{id}/crash",
      summary: "Crash a shard, to show how its clients recover (only where `development` is on)",
      params: shardParam,
      answer: crashed,
    },
    async (request, { params }) => {
      if (!inDevelopment(request)) return failOutside(request);
      const { id } = params;
      const { shards } = await coordinatorStub(request.env).descriptor(CONTRACT);
      const shard = shards.find((one) => one.id === id);
      if (shard === undefined)
        return fail(request, 404, { code: "notFound", message: `there is no shard ${id}` });
      await Promise.all(
        frontsOf(request.env).map((front) =>
          crash(shardStub(request.env, shardAddress(front, shard)).crash()),
        ),
      );
      return { crashed: id };
    },
  );
  addRoute(
    app,
    {
      method: "post",
      path: "/channels/{channel}/crash",
      summary: "Crash the object of a channel (only where `development` is on)",
      params: channelParam,
      answer: crashed,
    },
    async (request, { params }) => {
      if (!inDevelopment(request)) return failOutside(request);
      const { channel } = params;
      await crash(channelStub(request.env, channel).crash());
      return { crashed: channel };
    },
  );
  addRoute(
    app,
    {
      method: "post",
      path: "/coordinator/crash",
      summary: "Crash the coordinator (only where `development` is on)",
      answer: crashed,
    },
    async (request) => {
      if (!inDevelopment(request)) return failOutside(request);
      await crash(coordinatorStub(request.env).crash());
      return { crashed: "coordinator" };
    },
  );
}

const inDevelopment = ({ env }: AdminRequest): boolean => configOf(env).cluster.development;

const failOutside = (request: AdminRequest) =>
  fail(request, 403, {
    code: "developmentOnly",
    message: "an object can be crashed only where `development` is on",
  });

/** The call always fails, because the object that would answer has crashed. */
const crash = (call: Promise<void>) => call.catch(() => undefined);
