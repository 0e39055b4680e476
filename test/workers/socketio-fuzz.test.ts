import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { startOver } from "./client.ts";
import { ask, Poller, SEPARATOR } from "./socketio-poller.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const SEED = 20_261_129;

/** A client whose rooms and answers nobody else may touch. */
async function witness(): Promise<() => Promise<void>> {
  const ann = await Poller.connect("&key=ann");
  await ann.post('421["join","quiet"]');
  await ann.next("431");
  let asked = 1;
  return async () => {
    asked += 1;
    await ann.post(`42${asked}["count"]`);
    expect(await ann.next("43")).toBe(`43${asked}[${asked - 1}]`);
  };
}

const word = fc.oneof(
  fc.constantFrom(
    "",
    "0",
    "3",
    "4",
    "polling",
    "websocket",
    "webtransport",
    "auto.auto-1~aaaaaaaaaaaaaaaaaaaa",
  ),
  fc.string({ maxLength: 12, unit: "binary" }),
);
const query = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom("EIO", "transport", "sid", "t", "key", "token"), word), word), {
    maxLength: 6,
  })
  .map((pairs) => pairs.map((pair) => pair.map(encode).join("=")).join("&"));
/** Half of a character has no encoding, and goes as it is. */
function encode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value));
const socketPacket = fc
  .tuple(
    fc.constantFrom("0", "1", "2", "3", "4", "5", "6", "7", ""),
    fc.constantFrom("", "0-", "1-", "2-", "11-", "-", "x-"),
    fc.constantFrom("", "/chat,", "/chat", "/closed,", "/nowhere,", `/${"n".repeat(200)},`),
    fc.constantFrom("", "0", "7", "99999999999999999999"),
    fc.oneof(
      json,
      fc.constantFrom(
        '["echo"',
        '["echo",{"_placeholder":true,"num":0}]',
        '["disconnect"]',
        '["__proto__"]',
        "[]",
      ),
      fc
        .tuple(fc.constantFrom("echo", "join", "leave", "keep", "handshake", "connection"), json)
        .map(([event, value]) => `["${event}",${value}]`),
    ),
  )
  .map((parts) => `4${parts.join("")}`);
const packet = fc.oneof(
  { weight: 4, arbitrary: socketPacket },
  fc.constantFrom(
    "40",
    "41",
    "2",
    "2probe",
    "3",
    "3probe",
    "5",
    "6",
    "0",
    "0{}",
    "b",
    "bAQID",
    "bA",
    "b~",
    "",
  ),
  fc.string({ maxLength: 20, unit: "binary" }),
);
const body = fc.array(packet, { maxLength: 6 }).map((packets) => packets.join(SEPARATOR));

describe("[SO15] whatever a stranger sends over polling, other clients notice nothing", () => {
  test("[SO15] as a query and with a method", async () => {
    const check = await witness();
    await fc.assert(
      fc.asyncProperty(
        query,
        fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS"),
        async (text, method) => {
          const init = method === "POST" ? { method, body: "40" } : { method };
          const { status, body: answer } = await ask(text, init);
          expect([200, 400, 503]).toContain(status);
          if (status === 200) expect(answer).toMatch(/^0\{/);
          else expect(JSON.parse(answer)).toMatchObject({ message: expect.any(String) });
        },
      ),
      { seed: SEED, numRuns: 400, endOnFailure: true },
    );
    await check();
  });

  test("[SO15] as bodies of a session of its own", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const check = await witness();
    await fc.assert(
      fc.asyncProperty(
        fc.array(body, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (bodies, isJoined) => {
          const stranger = await (isJoined ? Poller.connect("&key=ann") : Poller.open("&key=ann"));
          for (const text of bodies) {
            const { status, body: answer } = await stranger.post(text);
            if (status === 200) expect(answer).toBe("ok");
            else
              expect([status, JSON.parse(answer)]).toEqual([
                400,
                { code: expect.any(Number), message: expect.any(String) },
              ]);
          }
          // Its session ends at once, wherever it is.
          expect([200, 400]).toContain((await stranger.post("1")).status);
          expect((await stranger.get()).status).toBe(400);
        },
      ),
      { seed: SEED, numRuns: 250, endOnFailure: true },
    );
    await check();
    expect(JSON.stringify(log.mock.calls)).not.toContain("a frame failed");
  });
});
