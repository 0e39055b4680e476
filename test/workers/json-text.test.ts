import { evictAllDurableObjects } from "cloudflare:test";
import { applyDelta } from "fossil-delta";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test } from "vitest";
import { Client, fetchWorker, startOver, until } from "./client.ts";

afterEach(() => startOver());

/** What `JSON.parse` and `JSON.stringify` would rewrite, and what comes out. */
const TEXTS = [
  "1.0",
  "12345678901234567890",
  '{"a":1,"a":2}',
  String.raw`{"\u0061":"\/\u00e9"}`,
  "[1e3,-0,  0.10]",
  "null",
  '"line \\n break"',
];

async function api(path: string, body: string): Promise<string> {
  const request = new Request(`https://ringcast.test/api${path}`, {
    method: "POST",
    headers: { "x-api-key": "test-api-key-of-16" },
    body,
  });
  const response = await fetchWorker(request);
  expect(response.status).toBe(200);
  return response.text();
}

/** The frames of a client as they came. */
function framesOf(client: Client): string[] {
  const frames: string[] = [];
  client.socket.addEventListener("message", ({ data }) => {
    frames.push(String(data));
  });
  return frames;
}

const sendRaw = (client: Client, id: number, channel: string, data: string) =>
  client.socket.send(`{"id":${id},"publish":{"channel":"${channel}","data":${data}}}`);
const replyTo = async (client: Client, id: number) => {
  for (;;) {
    const line = await client.next();
    if (line.id === id) return line;
  }
};

describe("[CE4] the data of a publication stays the text that was sent", () => {
  test.each(["plain", "kept:a"])(
    "[CE4] from a client and from the server API to a listener of %s",
    async (channel) => {
      const [publisher, listener] = [await Client.connect("a"), await Client.connect("b")];
      await listener.ask({ subscribe: { channel } });
      const frames = framesOf(listener);
      for (const [n, text] of TEXTS.entries()) {
        sendRaw(publisher, 100 + n, channel, text);
        expect((await replyTo(publisher, 100 + n)).error).toBeUndefined();
      }
      for (const text of TEXTS) await api("/publish", `{"channel":"${channel}","data":${text}}`);
      await until(() => listener.heard(channel).length === 2 * TEXTS.length);
      const sent = frames.join("\n");
      for (const text of TEXTS) expect(sent.split(`"pub":{"data":${text}`).length - 1).toBe(2);
    },
  );

  test("[CE4] through sleep, resume and history", async () => {
    for (const text of TEXTS) await api("/publish", `{"channel":"kept:a","data":${text}}`);
    await evictAllDurableObjects({ webSockets: "hibernate" });
    const client = await Client.open("a");
    const frames = framesOf(client);
    await client.ask({ connect: {} });
    await client.ask({ subscribe: { channel: "kept:a", recover: true, offset: 0, epoch: "" } });
    await client.ask({ history: { channel: "kept:a", limit: -1 } });
    const answers = [
      ...frames.slice(1),
      await api("/history", '{"channel":"kept:a","limit":-1}'),
      await api("/batch", '{"commands":[{"history":{"channel":"kept:a","limit":-1}}]}'),
      await api("", '{"method":"history","params":{"channel":"kept:a","limit":-1}}'),
    ];
    expect(answers).toHaveLength(5);
    for (const answer of answers) {
      for (const [n, text] of TEXTS.entries()) expect(answer).toContain(`{"data":${text},"offset":${n + 1}}`);
      expect(() => JSON.parse(answer)).not.toThrow();
    }
  });

  test("[CE4] in every form of the server API, line breaks outside strings as spaces", async () => {
    const listener = await Client.connect("a");
    const frames = framesOf(listener);
    for (const channel of ["x", "y"]) await listener.ask({ subscribe: { channel } });
    const data = '{"n":1.0,\n"a":1,\r\n"a":[2.50]}';
    await api("/publish", `{"channel":"x","data":{"wrong":1},"d\\u0061ta":\n${data}\n}`);
    await api("/publish", JSON.stringify({ channel: "x", b64data: btoa(` ${data}\n`) }));
    await api("/broadcast", `{"data":${data},"channels":["x","y"]}`);
    await api(
      "/batch",
      `{"commands":[{"presence":{"channel":"x"}},{"publish":{"channel":"x","data":${data}}},{"broadcast":{"data":${data},"channels":["x"]}}]}`,
    );
    await api("", `{"method":"publish","params":{"channel":"x","data":{"n":1.0,\r"a":1,  "a":[2.50]}}}`);
    await until(() => listener.heard("x").length === 6 && listener.heard("y").length === 1);
    const sent = frames.join("\n");
    expect(sent.match(/"data":\{"n":1\.0, +"a":1, +"a":\[2\.50\]\}/g)).toHaveLength(7);
  });

  test("[CE4] in a message to a user, too", async () => {
    const secret = new TextEncoder().encode("test-hmac-secret-of-32-bytes-or-more");
    const token = await new SignJWT({ sub: "ann" }).setProtectedHeader({ alg: "HS256" }).sign(secret);
    const ann = await Client.open("ann");
    const frames = framesOf(ann);
    await ann.ask({ connect: { token } });
    for (const [n, text] of TEXTS.entries()) {
      await api("/send", `{"user":"ann","data":${text}}`);
      await until(() => ann.lines.length >= n + 2);
    }
    const sent = frames.join("\n");
    for (const text of TEXTS) expect(sent).toContain(`{"push":{"message":{"data":${text}}}}`);
  });

  test("[CE4] patches give the text back", async () => {
    const client = await Client.connect("a");
    await client.ask({ subscribe: { channel: "delta:a", delta: "fossil" } });
    const common = "what every publication has in common, at some length".repeat(5);
    const texts = [1, 2, 3].map((n) => `{"n":${n}.0,"n":${n}.00, "common":"${common}"}`);
    for (const text of texts) await api("/publish", `{"channel":"delta:a","data":${text}}`);
    const received = () =>
      client.lines.flatMap(({ push }) => (push?.pub ? [push.pub as { data: string; delta?: true }] : []));
    await until(() => received().length === texts.length);
    expect(received().map(({ delta }) => delta)).toEqual([undefined, true, true]);
    const bytes = (text: string) => new TextEncoder().encode(text);
    let before = "";
    const decoded = received().map(({ data, delta }) => {
      before = delta === true ? new TextDecoder().decode(applyDelta(bytes(before), bytes(data))) : data;
      return before;
    });
    expect(decoded).toEqual(texts);
  });
});

test("[CE5] data that is nested too deeply is refused, from clients and from back ends", async () => {
  const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const client = await Client.connect("a");
  await client.ask({ subscribe: { channel: "x" } });
  for (const levels of [501, 30_000]) {
    sendRaw(client, levels, "x", nested(levels));
    expect((await replyTo(client, levels)).error?.code).toBe(107);
  }
  for (const levels of [501, 1_000_000]) {
    for (const body of [
      `{"channel":"x","data":${nested(levels)}}`,
      `{"channel":"x","b64data":"${btoa(nested(levels))}"}`,
    ])
      expect(JSON.parse(await api("/publish", body))).toMatchObject({ error: { code: 107 } });
  }
  sendRaw(client, 7, "x", nested(500));
  expect((await replyTo(client, 7)).error).toBeUndefined();
  expect(JSON.parse(await api("/publish", `{"channel":"x","data":${nested(500)}}`))).toHaveProperty("result");
  await until(() => client.heard("x").length === 2);
});
