import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Findings } from "../../src/cli/verify/findings.ts";
import { API_KEY, eventually, READ_KEY, startCluster, type Cluster } from "../support/cluster.ts";
import { startRelay, type Tamper } from "../support/relay.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    cluster: { shards: { initial: 2 } },
    namespaces: {
      kept: {
        history_size: 1_000,
        history_ttl: "5m",
        force_recovery: true,
        allow_subscribe_for_client: true,
      },
      bare: { allow_subscribe_for_client: true },
    },
  });
});
afterAll(() => cluster?.stop());

type Ended = { readonly status: number | null; readonly out: string; readonly err: string };

function start(args: readonly string[], url = cluster.url) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, NO_COLOR: "1", RINGCAST_URL: url.href, RINGCAST_API_KEY: API_KEY },
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (status) => resolve({ status, out, err }));
  });
  return { ended, said: () => err, interrupt: () => child.kill("SIGINT") };
}

const ringcast = (...args: string[]): Promise<Ended> => start(args).ended;

const SMALL = "verify --json --namespace kept --clients 8 --channels 3 --seconds 1".split(" ");

async function verify(args: readonly string[], url = cluster.url): Promise<Ended & { findings: Findings }> {
  const ended = await start([...SMALL, ...args], url).ended;
  return { ...ended, findings: ended.out === "" ? undefined : JSON.parse(ended.out) };
}

/** A port on which nothing listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const shards = async (): Promise<string[]> =>
  (await cluster.admin("GET", "/cluster")).body.shards.map(({ id }: { id: string }) => id);

describe("[CL1] `ringcast verify` checks the promise on a cluster", () => {
  test("stock clients are cut and moved, nothing is lost, and the ring is as before", async () => {
    const before = await shards();
    const { status, findings, err } = await verify([
      "--yes",
      "--token-secret",
      "test-hmac-secret-of-32-bytes-or-more",
    ]);
    expect({ status, err }).toMatchObject({
      status: 0,
      err: expect.stringContaining("is drained, and leaves"),
    });
    expect(findings).toMatchObject({
      ok: true,
      clientsAre: "users",
      verdict: { lost: [], repeated: [], outOfOrder: [], unjustified: [] },
      ringChange: expect.stringMatching(/^verify-\w+ joined and left$/),
    });
    expect(findings.acknowledged).toBeGreaterThan(0);
    expect(findings.deliveries).toBeGreaterThan(findings.acknowledged);
    expect(findings.times["publish by a client"]?.count).toBeGreaterThan(0);
    expect(findings.times["away after a cut"]?.count).toBeGreaterThanOrEqual(8);
    expect(await shards()).toEqual(before);
  });

  test("without the secret of tokens the clients listen as operators, and without consent the ring stays", async () => {
    const { epochs } = (await cluster.admin("GET", "/epochs?limit=1")).body;
    const { status, findings } = await verify([]);
    expect(status).toBe(0);
    expect(findings).toMatchObject({ ok: true, clientsAre: "operators", ringChange: "not tried" });
    expect((await cluster.admin("GET", "/epochs?limit=1")).body.epochs).toEqual(epochs);
  });

  test("a trial that is interrupted while its shard is there gives it back", async () => {
    const before = await shards();
    const { ended, interrupt } = start([...SMALL, "--yes"]);
    await eventually(async () => (await shards()).length > before.length);
    interrupt();
    expect(await ended).toMatchObject({
      status: 2,
      out: "",
      err: expect.stringContaining("the ring is as before"),
    });
    expect(await shards()).toEqual(before);
  });

  test("a shard is given back where the answer to its joining was lost", async () => {
    const before = await shards();
    let lost = 0;
    const relay = await startRelay(
      cluster.url,
      (frame) => [frame],
      ({ method, url }) => {
        const isAdding = method === "POST" && url === "/admin/api/shards";
        if (isAdding) lost += 1;
        return isAdding;
      },
    );
    try {
      const { status, findings } = await verify(["--yes"], relay.url);
      expect({ status, lost }).toEqual({ status: 0, lost: 1 });
      expect(findings).toMatchObject({ ok: true, ringChange: expect.stringMatching(/^not tried: /) });
      expect(await shards()).toEqual(before);
    } finally {
      relay.stop();
    }
  });

  const faults: [
    name: string,
    kind: keyof Findings["verdict"],
    tamper: (push: string) => readonly string[],
  ][] = [
    ["a lost frame", "lost", () => []],
    ["a repeated frame", "repeated", (push) => [push, push]],
  ];
  for (const [name, kind, tamper] of faults) {
    test(`${name} is found, and the exit status is 1`, async () => {
      let pushes = 0;
      const once: Tamper = (frame) => {
        if (!frame.includes('"pub":{')) return [frame];
        pushes += 1;
        // An early one: a slow machine publishes little in the time of the trial.
        return pushes === 5 ? tamper(frame) : [frame];
      };
      const relay = await startRelay(cluster.url, once);
      try {
        const { status, findings } = await verify(["--no-ring"], relay.url);
        expect(findings.verdict[kind].length).toBeGreaterThan(0);
        expect(findings.ok).toBe(false);
        expect(status).toBe(1);
      } finally {
        relay.stop();
      }
    });
  }

  test("where nothing can be proven it says why, and the exit status is 2", async () => {
    const wrong: [args: string[], reason: RegExp][] = [
      [["--namespace", "bare"], /cannot be resumed.*history_size, history_ttl and force_recovery/su],
      [["--namespace", "nowhere"], /do not connect and subscribe: nowhere:.*unknown channel/su],
      [["--key", READ_KEY.replace("read", "gone")], /does not take the key/u],
      [["--url", `http://127.0.0.1:${await closedPort()}`], /does not answer: ECONNREFUSED/u],
      [["--url", "example"], /is not the address of a cluster/u],
      [["--clients", "0"], /It is a whole number from 1 to 1000/u],
    ];
    for (const [args, reason] of wrong) {
      const { status, err, out } = await verify(["--no-ring", ...args]);
      expect({ args, err }).toEqual({ args, err: expect.stringMatching(reason) });
      expect({ args, status, out }).toEqual({ args, status: 2, out: "" });
    }
  });
});

describe("[CL2] the command watches and changes a cluster", () => {
  test("a dry run changes nothing, and each change answers with its effect", async () => {
    const dry = await ringcast("shards", "add", "--id", "auto-7", "--dry-run");
    expect(dry).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^dry run, .*nothing was changed\n$/u),
    });
    expect(await shards()).not.toContain("auto-7");
    for (const [args, said] of [
      [["shards", "add", "--id", "auto-7"], /^epoch \d+, .*\n.*auto-7 16/u],
      [["shards", "weigh", "auto-7", "8"], /auto-7 8/u],
      [["shards", "remove", "auto-7"], /^epoch \d+/u],
      [["shards", "remove", "auto-7"], /^nothing had to change/u],
    ] as const)
      expect(await ringcast(...args)).toMatchObject({ status: 0, out: expect.stringMatching(said) });
    expect(await shards()).not.toContain("auto-7");
    expect((await cluster.admin("GET", "/epochs?limit=1")).body.epochs[0]).toMatchObject({
      by: "operator (ringcast command)",
    });
    expect(await ringcast("shards", "drain", "nobody")).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^ringcast: POST \/shards\/nobody\/drain: .*nobody/u),
    });
  });

  test("it shows the shards, and the owner of a key", async () => {
    expect((await ringcast("status")).out).toMatch(
      /^epoch \d+, 2 shards, \d+ sessions\n\nshard .*\nauto-1 /u,
    );
    expect(JSON.parse((await ringcast("status", "--json")).out).shards).toHaveLength(2);
    const { owner } = (await cluster.admin("GET", "/explain?key=ann")).body;
    expect((await ringcast("explain", "ann")).out).toContain(`ann: shard ${owner}, region auto`);
  });

  test("a tail shows what another command publishes, and a control character does not reach the terminal", async () => {
    const tail = start(["subscribe", "kept:tail", "--limit", "2"]);
    await eventually(() => tail.said().includes("listening"));
    expect((await ringcast("publish", "kept:tail", '{"n":1}')).out).toBe("published, offset 1\n");
    await ringcast("publish", "kept:tail", "\u001b[2Jtwo");
    expect(await tail.ended).toMatchObject({ status: 0, out: '{"n":1}\n"\\u001b[2Jtwo"\n' });
  });

  test("a load is published at the rate that was asked for, and each client hears its channel", async () => {
    const { status, out } = await ringcast(
      ..."load --json --namespace kept --clients 6 --channels 2 --rate 20 --seconds 2".split(" "),
    );
    const result = JSON.parse(out);
    expect(status).toBe(0);
    expect(result).toMatchObject({ refused: 0, delivered: result.published * 3 });
    expect(result.published).toBeGreaterThan(20);
  });
});

describe("[CL2] a cluster below a path of an application", () => {
  let mounted: Cluster;
  beforeAll(async () => {
    mounted = await startCluster({
      main: "test/workers/mounted-worker.ts",
      cluster: { shards: { initial: 2 } },
      namespaces: { kept: { history_size: 1_000, history_ttl: "5m", force_recovery: true } },
    });
  });
  afterAll(() => mounted?.stop());

  test("its address has the path: clients connect, the ring is changed, and nothing is lost", async () => {
    const { status, findings } = await verify(["--yes"], new URL("/realtime/", mounted.url));
    expect(status).toBe(0);
    expect(findings).toMatchObject({ ok: true, ringChange: expect.stringMatching(/joined and left$/) });
  });

  test("without the path the error says what an address is", async () => {
    expect(await start(["status"], mounted.url).ended).toMatchObject({
      status: 2,
      err: expect.stringMatching(
        /^ringcast: there is no cluster at http.*: .* an address like http.*\/realtime$/mu,
      ),
    });
  });
});
