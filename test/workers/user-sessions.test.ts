import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { SESSIONS_LISTED } from "../../src/coordinator/list-sessions.ts";
import { Shard } from "../../src/shard/shard.ts";
import { Sessions } from "../../src/shard/connections/sessions.ts";
import { Client, fetchWorker, keysOf, shard, startOver } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

type Listed = { readonly sessions: readonly object[]; readonly truncated: boolean };

/** The sessions of a user, as an operator sees them. */
async function listed(): Promise<Listed> {
  const request = new Request("https://ringcast.test/admin/api/users/ann/sessions", {
    headers: { "x-api-key": env.API_KEY ?? "" },
  });
  const response = await fetchWorker(request);
  expect(response.status).toBe(200);
  return response.json();
}

const { ofUser } = Sessions.prototype;

/** Each shard has as many sessions of the user as it is told. */
function withSessions(count: number): void {
  vi.spyOn(Sessions.prototype, "ofUser").mockImplementation(function (this: Sessions) {
    const [one] = ofUser.call(this, "");
    return one === undefined ? [] : Array.from({ length: count }, () => one);
  });
}

describe("[BD40] the sessions of a user are listed up to a number and a number of bytes", () => {
  test("an answer has the first thousand, and says that there are more", async () => {
    await Client.connect((await keysOf("auto-1", 1))[0] ?? "");
    withSessions(SESSIONS_LISTED);
    const all = await listed();
    expect([all.sessions.length, all.truncated]).toEqual([SESSIONS_LISTED, false]);
    withSessions(SESSIONS_LISTED + 1);
    const cut = await listed();
    expect([cut.sessions.length, cut.truncated]).toEqual([SESSIONS_LISTED, true]);
    await Client.connect((await keysOf("auto-2", 1))[0] ?? "");
    withSessions(SESSIONS_LISTED - 1);
    const two = await listed();
    expect([two.sessions.length, two.truncated]).toEqual([SESSIONS_LISTED, true]);
  });

  test("a shard sends no more bytes than it is asked for, and at least one session", async () => {
    const [key = ""] = await keysOf("auto-1", 1);
    for (let n = 0; n < 3; n++) {
      const client = await Client.connect(key);
      await client.ask({ subscribe: { channel: `room-${"x".repeat(200)}` } });
    }
    const page = (bytes: number) => shard("auto-1").sessionsUpTo("", { sessions: 10, bytes }, CONTRACT);
    expect(await page(1)).toMatchObject({ sessions: { length: 1 }, more: true });
    expect(await page(1_000)).toMatchObject({ sessions: { length: 2 }, more: true });
    expect(await page(10_000)).toMatchObject({ sessions: { length: 3 }, more: false });
  });

  test("a shard of the release before is asked as that release asks", async () => {
    await Client.connect((await keysOf("auto-1", 1))[0] ?? "");
    vi.spyOn(Shard.prototype, "sessionsUpTo").mockRejectedValue(
      new TypeError('The RPC receiver does not implement the method "sessionsUpTo".'),
    );
    withSessions(2);
    expect(await listed()).toMatchObject({ sessions: { length: 2 }, truncated: false });
  });
});
