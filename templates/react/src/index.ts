import { realtime } from "./realtime";

export class Shard extends realtime.Shard {}
export class Channel extends realtime.Channel {}
export class Coordinator extends realtime.Coordinator {}

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/token") return answerToken(request, env);
    return (await realtime.routeRequest(request, env, ctx)) ?? new Response("Not found", { status: 404 });
  },
} satisfies ExportedHandler<Env>;

/** Lets everybody in under any name. Your application takes the user of its own session here instead. */
async function answerToken(request: Request, env: Env): Promise<Response> {
  const name = new URL(request.url).searchParams.get("name") ?? "";
  if (name === "" || name.length > 40) return new Response("A name has 1 to 40 characters", { status: 400 });
  const { result, error } = await realtime(env).token(name, { info: { name } });
  if (error !== undefined) return Response.json(error, { status: 500 });
  return Response.json({ token: result.token }, { headers: { "cache-control": "no-store" } });
}
