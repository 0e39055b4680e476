// Names that blocks of the documentation take from the application around them: a Worker.
import type { Hono } from "hono";
import type * as entry from "ringcast";

declare global {
  namespace Cloudflare {
    interface Env extends RingcastEnv {}
  }
  interface Env extends Cloudflare.Env {
    PUBLICATIONS: Queue;
    REALTIME: ReturnType<entry.Ringcast>;
  }
  const app: Hono<{ Bindings: Env }>;
  const env: Env;
  const realtime: entry.Ringcast;
  const ringcast: entry.Ringcast;
  const socket: Parameters<Parameters<entry.ServerHandlers["on"]>[1]>[0];
  function yourSession(context: unknown): Promise<{ id: string; name: string }>;
  function userOf(request: Request, env: Cloudflare.Env): Promise<string>;
  function isSpam(data: unknown): boolean;
}
