import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { api, Client, coordinatorObject, fetchWorker, startOver } from "./client.ts";

afterEach(startOver);

type Answer = { readonly status: number; readonly body: any };

/** Calls the operator's API. `body` is JSON, or text with a content type of its own. */
async function admin(
  method: string,
  path: string,
  body?: object | { readonly text: string; readonly type: string },
): Promise<Answer> {
  const sent =
    body === undefined
      ? undefined
      : "text" in body
        ? body
        : { text: JSON.stringify(body), type: "application/json" };
  const response = await fetchWorker(
    new Request(`https://ringcast.test/admin/api${path}`, {
      method,
      headers: {
        "x-api-key": env.API_KEY ?? "",
        ...(sent === undefined ? {} : { "content-type": sent.type }),
      },
      ...(sent === undefined ? {} : { body: sent.text }),
    }),
  );
  return { status: response.status, body: await response.json() };
}

const ringEpoch = async (): Promise<number> => (await admin("GET", "/cluster")).body.ringEpoch;

/** Every change, and its body. */
const CHANGES = [
  ["POST", "/shards", { count: 1 }],
  ["POST", "/shards/auto-1/drain", {}],
  ["PATCH", "/shards/auto-1", { weight: 3 }],
  ["DELETE", "/shards/auto-1", undefined],
] as const;

describe("[OP10] a dry run changes nothing, wherever the request asks for it", () => {
  test("each change takes dryRun in its query, and in its body if it has one", async () => {
    for (const [method, path, body] of CHANGES) {
      const wanted: (readonly [string, object | undefined])[] = [[`${path}?dryRun=true`, body]];
      if (body !== undefined) {
        wanted.push([path, { ...body, dryRun: true }]);
        // One of the two is enough.
        wanted.push([`${path}?dryRun=false`, { ...body, dryRun: true }]);
        wanted.push([`${path}?dryRun=true`, { ...body, dryRun: false }]);
      }
      for (const [target, sent] of wanted) {
        const answer = await admin(method, target, sent);
        expect(answer, `${method} ${target}`).toMatchObject({
          status: 200,
          body: { dryRun: true, changed: false, wouldChange: true, ringEpoch: 2 },
        });
      }
    }
    expect(await ringEpoch()).toBe(1);
  });

  test("a rollback takes dryRun in its query too", async () => {
    await admin("POST", "/shards", { count: 1 });
    const answer = await admin("POST", "/rollback?dryRun=true", { epoch: 1 });
    expect(answer.body).toMatchObject({ dryRun: true, changed: false, wouldChange: true });
    expect(await ringEpoch()).toBe(2);
  });

  test("a query key that is not known, or is given twice, is refused", async () => {
    for (const [method, path, body] of CHANGES) {
      for (const query of ["dryrun=true", "dry_run=true", "dryRun=yes", "dryRun=false&dryRun=true"]) {
        const answer = await admin(method, `${path}?${query}`, body);
        expect(answer, `${method} ${path}?${query}`).toMatchObject({
          status: 400,
          body: { error: { code: "badRequest", message: expect.stringMatching(/dry_?run/i) } },
        });
      }
    }
    for (const path of ["/shards/auto-1/crash?dryRun=true", "/users/ann/disconnect?dryRun=true"])
      expect((await admin("POST", path)).status, path).toBe(400);
    expect((await admin("GET", "/cluster?since=1")).status).toBe(400);
    expect(await ringEpoch()).toBe(1);
  });

  test("a body that would not be read is refused", async () => {
    const ann = await Client.connect("ann");
    const form = { text: '{"dryRun":true}', type: "application/x-www-form-urlencoded" };
    for (const [method, path, body, status] of [
      ["DELETE", "/shards/auto-1", { dryRun: true }, 400],
      ["DELETE", "/shards/auto-1", form, 400],
      ["POST", "/shards/auto-1/drain", form, 415],
      ["POST", "/shards/auto-1/crash", { dryRun: true }, 400],
      ["POST", "/users/ann/disconnect", { dryRun: true }, 400],
    ] as const)
      expect((await admin(method, path, body)).status, `${method} ${path}`).toBe(status);
    expect(await ringEpoch()).toBe(1);
    expect(ann.closeCode).toBeUndefined();
  });

  test("a change that has no effect says so, with and without dryRun", async () => {
    const same = { ids: ["auto-1"] };
    const dry = await admin("POST", "/shards", { ...same, dryRun: true });
    expect(dry.body).toMatchObject({ dryRun: true, changed: false, wouldChange: false, diff: null });
    const real = await admin("POST", "/shards", same);
    expect(real.body).toMatchObject({ dryRun: false, changed: false });
    expect(real.body).not.toHaveProperty("wouldChange");
  });

  test("the runs of slots are listed only where the request asks for them", async () => {
    const plain = await admin("POST", "/shards", { count: 1, dryRun: true });
    expect(plain.body.diff.moves[0].slots).toBeGreaterThan(0);
    expect(JSON.stringify(plain.body)).not.toContain("ranges");
    for (const [path, body] of [
      ["/shards?ranges=true", { count: 1, dryRun: true }],
      ["/shards", { count: 1, dryRun: true, ranges: true }],
    ] as const) {
      const { diff } = (await admin("POST", path, body)).body;
      for (const { slots, ranges } of diff.moves) {
        const listed = ranges.reduce((sum: number, [first, last]: number[]) => sum + (last! - first!) + 1, 0);
        expect(listed).toBe(slots);
      }
    }
    const real = await admin("POST", "/shards?ranges=true", { count: 1 });
    expect(real.body).toMatchObject({ changed: true });
    expect(real.body.diff.moves[0].ranges.length).toBeGreaterThan(0);
  });
});

test("[FH4] another method of an address is answered 405, with the methods that it takes", async () => {
  for (const [method, path, allowed] of [
    ["GET", "/shards", "POST"],
    ["POST", "/cluster", "GET"],
    ["PUT", "/scale", "GET, PATCH"],
    ["GET", "/shards/auto-1", "DELETE, PATCH"],
  ] as const) {
    const key = { "x-api-key": env.API_KEY ?? "" };
    const url = `https://ringcast.test/admin/api${path}`;
    const response = await fetchWorker(new Request(url, { method, headers: key }));
    expect([path, response.status, response.headers.get("allow")]).toEqual([path, 405, allowed]);
    expect(await response.json()).toMatchObject({ error: { code: "methodNotAllowed" } });
  }
  expect((await admin("GET", "/nowhere")).status).toBe(404);
});

describe("[AP8] the server API refuses a field that it does not know", () => {
  test("of the parameters, of the fields inside them, and of a command in a batch", async () => {
    await api("publish", { channel: "kept:room", data: 1 });
    for (const [method, params] of [
      ["publish", { channel: "kept:room", data: 2, skipHistory: true }],
      ["publish", { channel: "kept:room", data: 2, idempotencyKey: "once" }],
      ["broadcast", { channels: ["kept:room"], data: 2, dryRun: true }],
      ["history_remove", { channel: "kept:room", dryRun: true }],
      ["disconnect", { user: "ann", clients: ["one"] }],
      ["disconnect", { user: "ann", disconnect: { code: 4000, resaon: "bye" } }],
      ["history", { channel: "kept:room", since: { offset: 1, logEpoch: "x" } }],
      ["info", { verbose: true }],
    ] as const)
      expect(await api(method, params), method).toMatchObject({
        error: {
          code: 107,
          message: expect.stringMatching(/^bad request: (\w+\.)?\w+: there is no such field$/),
        },
      });
    const two = { publish: { channel: "kept:room", data: 2 }, history_remove: { channel: "kept:room" } };
    expect(await api("batch", { commands: [two] })).toMatchObject({ replies: [{ error: { code: 107 } }] });
    const { result } = await api("history", { channel: "kept:room", limit: 10 });
    expect(result.publications).toMatchObject([{ data: 1 }]);
  });
});

test("[EL6] the cluster and its policy tell how far a joining shard has come", async () => {
  await admin("PATCH", "/shards/auto-2", { weight: 4 });
  await runInDurableObject(coordinatorObject(), (_, { storage }) => {
    const kept = storage.kv.get<object>("scale");
    storage.kv.put("scale", { ...kept, own: { "auto-2": { fullWeight: 16, since: 1 } } });
  });
  await evictDurableObject(coordinatorObject());
  const { shards } = (await admin("GET", "/cluster")).body;
  const stepOf = (id: string) => {
    const { weight, fullWeight } = shards.find((shard: any) => shard.id === id);
    return { weight, fullWeight };
  };
  expect(stepOf("auto-2")).toEqual({ weight: 4, fullWeight: 16 });
  expect(stepOf("auto-1")).toEqual({ weight: 16, fullWeight: undefined });
  const scale = (await admin("GET", "/scale")).body;
  expect(scale.shards).toContainEqual(
    expect.objectContaining({ id: "auto-2", weight: 4, fullWeight: 16, owner: "policy" }),
  );
});
