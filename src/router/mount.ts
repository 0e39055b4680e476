import { notFound, type Routes } from "./router.ts";

/** A cluster's answers to the requests of a Worker. */
export type Mount = {
  /** Answers each request, with 404 where it has no such address. */
  readonly fetch: (
    request: Request,
    env: Cloudflare.Env,
    ctx: ExecutionContext,
  ) => Response | Promise<Response>;
  /** Answers the requests to the cluster's own addresses, and leaves each other one to the application (SPEC PK7). */
  readonly routeRequest: (
    request: Request,
    env: Cloudflare.Env,
    ctx: ExecutionContext,
  ) => Promise<Response | undefined>;
};

/** `basePath`: that of the routes, which have an index. */
export function mount(routes: Routes, basePath: string): Mount {
  const unanswered = new WeakSet<Response>();
  routes.notFound((request) => {
    const response = notFound(request);
    unanswered.add(response);
    return response;
  });
  return {
    fetch: routes.fetch,
    async routeRequest(request, env, ctx) {
      // The index of a cluster at the root stands where applications have a page.
      if (basePath === "" && new URL(request.url).pathname === "/") return undefined;
      const response = await routes.fetch(request, env, ctx);
      return unanswered.has(response) ? undefined : response;
    },
  };
}
