import { env } from "cloudflare:workers";
import { createExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import worker from "../support/socketio/worker.ts";
import { startOver } from "./client.ts";

afterEach(startOver);

const ALLOWED = "https://app.example";

/** A request to a cluster that allows one foreign origin. */
async function ask(path: string, init: RequestInit = {}, socketio: Record<string, unknown> = {}) {
  const RINGCAST_OVERRIDES = { anonymous: true, allowedOrigins: [ALLOWED], socketio };
  const response = await worker.fetch(
    new Request(`https://ringcast.test${path}`, init),
    { ...env, RINGCAST_OVERRIDES },
    createExecutionContext(),
  );
  return { status: response.status, body: await response.text(), headers: response.headers };
}
const POLLING = "/socket.io/?EIO=4&transport=polling";
const from = (origin: string) => ({ headers: { origin } });
const corsOf = ({ headers }: { readonly headers: Headers }) =>
  ["access-control-allow-origin", "access-control-allow-credentials", "vary"].map((name) =>
    headers.get(name),
  );

describe("[SO25] polling from pages of other origins", () => {
  test("[SO25] an allowed origin is named in each answer, with credentials, refusals included", async () => {
    const opened = await ask(POLLING, from(ALLOWED));
    expect([opened.status, ...corsOf(opened)]).toEqual([200, ALLOWED, "true", "Origin"]);
    const { sid } = JSON.parse(opened.body.slice(1)) as { sid: string };
    const posted = await ask(`${POLLING}&sid=${sid}`, { method: "POST", body: "40", ...from(ALLOWED) });
    expect([posted.status, ...corsOf(posted)]).toEqual([200, ALLOWED, "true", "Origin"]);
    const unknown = await ask(`${POLLING}&sid=x`, from(ALLOWED));
    expect([unknown.status, ...corsOf(unknown)]).toEqual([400, ALLOWED, "true", "Origin"]);
  });

  test("[SO25] the deployment's own origin, and a request without one, pass", async () => {
    expect((await ask(POLLING, from("https://ringcast.test"))).status).toBe(200);
    const plain = await ask(POLLING);
    expect([plain.status, ...corsOf(plain)]).toEqual([200, null, null, null]);
  });

  test("[SO25] another origin is refused, at the handshake and with a session's id", async () => {
    const { sid } = JSON.parse((await ask(POLLING)).body.slice(1)) as { sid: string };
    const foreign = from("https://evil.example");
    const refused = {
      status: 403,
      body: '{"code":4,"message":"the origin https://evil.example is not allowed"}',
    };
    for (const init of [foreign, { method: "POST", body: "40", ...foreign }]) {
      const answer = await ask(`${POLLING}&sid=${sid}`, init);
      expect([answer, corsOf(answer)]).toMatchObject([refused, [null, null, null]]);
    }
    expect(await ask(POLLING, foreign)).toMatchObject(refused);
    const websocket = await ask(POLLING.replace("polling", "websocket"), {
      headers: { upgrade: "websocket", ...foreign.headers },
    });
    expect(websocket).toMatchObject(refused);
  });

  test("[SO25] the question of a browser before a request is answered with 204", async () => {
    const asked = {
      method: "OPTIONS",
      headers: {
        origin: ALLOWED,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-mine,content-type",
      },
    };
    const { status, headers } = await ask(POLLING, asked);
    expect([
      status,
      headers.get("access-control-allow-methods"),
      headers.get("access-control-allow-headers"),
      headers.get("vary"),
    ]).toEqual([204, "GET,POST", "x-mine,content-type", "Origin, Access-Control-Request-Headers"]);
    const foreign = { ...asked, headers: { ...asked.headers, origin: "https://evil.example" } };
    expect((await ask(POLLING, foreign)).status).toBe(403);
  });

  test("[SO3] an origin that no header can hold is a bad request", async () => {
    expect(await ask(POLLING, from("https://\u0001"))).toMatchObject({
      status: 400,
      body: '{"code":3,"message":"Bad request"}',
    });
  });
});

describe("[SO3] the path of clients", () => {
  test("[SO3] is where the deployment wants it, with or without the slash at the end", async () => {
    const socketio = { path: "/rt/io" };
    for (const path of ["/rt/io/", "/rt/io"])
      expect((await ask(`${path}?EIO=4&transport=polling`, {}, socketio)).status).toBe(200);
    expect((await ask(POLLING, {}, socketio)).status).toBe(404);
    expect((await ask("/socket.io/more?EIO=4&transport=polling")).status).toBe(404);
  });

  test("[SO3] a path that is none is refused by its name", async () => {
    const { status, body } = await ask(
      POLLING,
      { headers: { "x-api-key": env.API_KEY ?? "" } },
      { path: "io" },
    );
    expect([status, body]).toEqual([500, expect.stringContaining("RINGCAST.socketio.path")]);
  });
});
