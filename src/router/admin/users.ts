import { DISCONNECTS } from "../../centrifuge/codes.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callNew, coordinatorStub } from "../../platform/calls.ts";
import { unreachedIds } from "../outcomes.ts";
import { addRoute, type AdminApp } from "./route.ts";
import { sessionsQuery, userDisconnected, userParam, userSessions } from "./schemas/users.ts";

/** The routes about one user, wherever its sessions are. */
export function addUsers(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "get",
      path: "/users/{user}/sessions",
      summary: "List the sessions of a user, on all shards: the first 1,000 of them",
      params: userParam,
      answer: userSessions,
    },
    async (request, { params }) => {
      const { user } = params;
      const answer = await coordinatorStub(request.env).sessionsOf(user, CONTRACT);
      return { ...answer, truncated: answer.truncated ?? false };
    },
  );
  addRoute(
    app,
    {
      method: "get",
      path: "/sessions",
      summary: "Find the sessions of a user, or the session with an id, on all shards",
      query: sessionsQuery,
      answer: userSessions,
    },
    async ({ env }, { query }) => {
      const coordinator = coordinatorStub(env);
      const answer = await callNew(
        async () => await coordinator.sessionsOfOrId(query.of, CONTRACT),
        async () => await coordinator.sessionsOf(query.of, CONTRACT),
      );
      return { ...answer, truncated: answer.truncated ?? false };
    },
  );
  addRoute(
    app,
    {
      method: "post",
      path: "/users/{user}/disconnect",
      summary: "Close every session of a user; the clients do not reconnect",
      params: userParam,
      answer: userDisconnected,
    },
    async (request, { params }) => {
      const { user } = params;
      const action = { kind: "disconnect", user, client: null, except: [], ...DISCONNECTS.forced } as const;
      const { outcomes } = await coordinatorStub(request.env).act(action, CONTRACT);
      const disconnected = outcomes.reduce((sum, { done }) => sum + (done?.sessions ?? 0), 0);
      const unreachable = unreachedIds(outcomes);
      return { disconnected, unreachable };
    },
  );
}
