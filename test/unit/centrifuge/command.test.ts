import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Command, type CommandKind, parseFrame } from "../../../src/centrifuge/command.ts";
import { anyText } from "../any-text.ts";

function commandsOf(text: string): readonly Command[] {
  const parsed = parseFrame(text);
  if (!parsed.ok) throw new Error(`refused: ${parsed.detail}`);
  return parsed.commands;
}

const frame = (...lines: unknown[]) => lines.map((line) => JSON.stringify(line)).join("\n");

/** The fullest body of each kind. */
const BODIES: { [Kind in CommandKind]: object } = {
  connect: {
    token: "t",
    data: { a: [1, null] },
    name: "js",
    version: "1",
    subs: { news: { recover: true, offset: 7, epoch: "x" }, other: {} },
  },
  subscribe: {
    channel: "news",
    token: "t",
    data: 1,
    recover: true,
    epoch: "x",
    offset: 7,
    join_leave: true,
    flag: 1,
  },
  unsubscribe: { channel: "news" },
  publish: { channel: "news", data: "hello" },
  presence: { channel: "news" },
  presence_stats: { channel: "news" },
  history: { channel: "news" },
  rpc: { method: "m", data: null },
  send: { data: [] },
  refresh: { token: "t" },
  sub_refresh: { channel: "news", token: "t" },
};
const KINDS = Object.keys(BODIES) as CommandKind[];
/** A body as it is read: the data of a publish is its text. */
function bodyOf(kind: CommandKind, body: object = BODIES[kind]): object {
  if (kind !== "publish") return body;
  const { data, ...rest } = body as { data?: unknown };
  return data === undefined ? rest : { ...rest, json: JSON.stringify(data) };
}
const WITH_CHANNEL = KINDS.filter((kind) => "channel" in BODIES[kind]);

describe("[SE2] frames that can be read", () => {
  test.each(KINDS)("[SE2] %s is read with all its fields", (kind) => {
    const body = BODIES[kind];
    expect(commandsOf(frame({ id: 9, [kind]: body }))).toEqual([{ kind, id: 9, body: bodyOf(kind) }]);
  });

  test.each(KINDS)("[SE2] unknown fields of %s are ignored", (kind) => {
    const body = BODIES[kind];
    const read = commandsOf(frame({ id: 9, later: {}, [kind]: { ...body, later: 1 } }));
    expect(read).toEqual([{ kind, id: 9, body: bodyOf(kind) }]);
  });

  test.each(["connect", "rpc", "send"] as const)("[SE2] %s needs no field", (kind) => {
    expect(commandsOf(frame({ id: 1, [kind]: {} }))).toEqual([{ kind, id: 1, body: {} }]);
  });

  test("[SE2] the commands of one frame keep their order", () => {
    const commands = KINDS.map((kind, index) => ({ kind, id: index + 1, body: BODIES[kind] }));
    const text = frame(...commands.map(({ kind, id, body }) => ({ id, [kind]: body })));
    const expected = commands.map(({ kind, id }) => ({ kind, id, body: bodyOf(kind) }));
    expect(commandsOf(text)).toEqual(expected);
    expect(commandsOf(text.replaceAll("\n", "\r\n"))).toEqual(expected);
    expect(commandsOf(`${text}\n`)).toEqual(expected);
  });

  test("[SE2] a pong is no command, wherever it stands", () => {
    expect(commandsOf("{}")).toEqual([]);
    expect(commandsOf("{}\n{}")).toEqual([]);
    const read = commandsOf(frame({}, { id: 1, history: { channel: "a" } }, {}));
    expect(read.map(({ kind }) => kind)).toEqual(["history"]);
  });

  test("[SE2] the first kind in the server's order is taken, and null is absent", () => {
    const both = commandsOf(frame({ id: 1, publish: { channel: "b" }, subscribe: { channel: "a" } }));
    expect(both).toEqual([{ kind: "subscribe", id: 1, body: { channel: "a" } }]);
    const one = commandsOf(frame({ id: 1, subscribe: null, publish: { channel: "b" } }));
    expect(one).toEqual([{ kind: "publish", id: 1, body: { channel: "b" } }]);
  });
});

describe("[SE2] ids", () => {
  test.each([1, 2 ** 31, 2 ** 32 - 1])("[SE2] the id %d is accepted", (id) => {
    expect(commandsOf(frame({ id, history: { channel: "a" } }))[0]?.id).toBe(id);
  });

  test.each([-1, 1.5, 2 ** 32, 1e300, "1", true, [], {}])("[SE2] the id %j is refused", (id) => {
    const detail = "id is not an unsigned 32-bit integer";
    expect(parseFrame(frame({ id, history: { channel: "a" } }))).toEqual({ ok: false, detail });
    expect(parseFrame(frame({ id, send: {} }))).toEqual({ ok: false, detail });
  });

  test.each(KINDS)("[SE2] %s without an id is accepted from send alone", (kind) => {
    for (const without of [{}, { id: 0 }, { id: null }]) {
      const parsed = parseFrame(frame({ ...without, [kind]: BODIES[kind] }));
      expect(parsed).toEqual(
        kind === "send"
          ? { ok: true, commands: [{ kind, id: 0, body: BODIES.send }] }
          : { ok: false, detail: "a command needs an id" },
      );
    }
  });
});

describe("[SE2] frames that cannot be read", () => {
  test.each(["", " ", "\n", "{", "}", "{}{}", "{},{}", "{}\n\n{}", "{}\nx", "undefined", "{'id':1}"])(
    "[SE2] the text %j is refused as no JSON",
    (text) => {
      expect(parseFrame(text)).toEqual({ ok: false, detail: "not JSON" });
    },
  );

  test.each(["[]", "[{}]", "null", "1", '"{}"', "true"])("[SE2] %s is refused as no object", (text) => {
    expect(parseFrame(text)).toEqual({ ok: false, detail: "not an object" });
  });

  test.each(["ping", "Connect", "toString", "constructor", "hasOwnProperty"])(
    "[SE2] the command %s is refused as unknown",
    (name) => {
      expect(parseFrame(frame({ id: 1, [name]: {} }))).toEqual({ ok: false, detail: "unknown command" });
    },
  );

  test("[SE2] an id alone, a null command and __proto__ are refused as unknown", () => {
    for (const text of ['{"id":1}', '{"id":1,"publish":null}', '{"__proto__":{"id":1,"connect":{}}}']) {
      expect(parseFrame(text)).toEqual({ ok: false, detail: "unknown command" });
    }
  });

  test.each(KINDS)("[SE2] %s with a body that is no object is refused by its name", (kind) => {
    for (const body of [1, "text", true, []]) {
      const detail = expect.stringMatching(new RegExp(`^${kind}: `)) as string;
      expect(parseFrame(frame({ id: 1, [kind]: body }))).toEqual({ ok: false, detail });
    }
  });

  test.each(WITH_CHANNEL)(
    "[SE2] %s without a channel that is text is refused, and told which field",
    (kind) => {
      for (const channel of [undefined, null, 1, ["a"], {}]) {
        const detail = expect.stringContaining(`${kind}: channel `) as string;
        const body = { ...BODIES[kind], channel };
        expect(parseFrame(frame({ id: 1, [kind]: body }))).toEqual({ ok: false, detail });
      }
    },
  );

  const WRONG: [kind: CommandKind, field: string, wrong: unknown][] = [
    ["connect", "token", 1],
    ["connect", "name", {}],
    ["connect", "version", 1],
    ["connect", "subs", []],
    ["subscribe", "token", 1],
    ["subscribe", "recover", "true"],
    ["subscribe", "join_leave", 1],
    ["subscribe", "epoch", 1],
    ["subscribe", "offset", -1],
    ["subscribe", "offset", 0.5],
    ["subscribe", "offset", 2 ** 53],
    ["subscribe", "offset", "1"],
    ["rpc", "method", 1],
    ["refresh", "token", undefined],
    ["sub_refresh", "token", 1],
  ];
  test.each(WRONG)(
    "[SE2] %s with the wrong %s (%j) is refused, and told which field",
    (kind, field, wrong) => {
      const detail = expect.stringContaining(`${kind}: ${field} `) as string;
      const body = { ...BODIES[kind], [field]: wrong };
      expect(parseFrame(frame({ id: 1, [kind]: body }))).toEqual({ ok: false, detail });
    },
  );

  test("[SE2] a position within connect is checked like the others", () => {
    const detail = expect.stringContaining("connect: subs.news.offset ") as string;
    const body = { subs: { news: { offset: -1 } } };
    expect(parseFrame(frame({ id: 1, connect: body }))).toEqual({ ok: false, detail });
  });

  test("[SE2] one bad line spoils the whole frame, wherever it stands", () => {
    const good = JSON.stringify({ id: 1, history: { channel: "a" } });
    for (const bad of ["x", "[]", '{"id":1}', '{"id":-1,"send":{}}']) {
      expect(parseFrame(`${bad}\n${good}`).ok).toBe(false);
      expect(parseFrame(`${good}\n${bad}\n${good}`).ok).toBe(false);
      expect(parseFrame(`${good}\n${bad}`).ok).toBe(false);
    }
  });
});

describe("[SE2] any text", () => {
  const neverThrows = (text: string): void => {
    const parsed = parseFrame(text);
    if (!parsed.ok) {
      expect(parsed.detail).not.toBe("");
      return;
    }
    for (const { kind, id } of parsed.commands) {
      expect(KINDS).toContain(kind);
      expect(id > 0 || kind === "send").toBe(true);
    }
  };

  test("[SE2] any text is read or refused, and nothing throws", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), anyText()), neverThrows));
  });

  test("[SE2] any JSON is read or refused, and nothing throws", () => {
    const lines = fc.array(fc.json(), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(lines, (texts) => neverThrows(texts.join("\n"))));
  });

  test("[SE2] anything in the place of an id or a body is read or refused, and nothing throws", () => {
    const fields = fc.dictionary(
      fc.constantFrom("channel", "token", "data", "subs", "offset", "recover", "method", "__proto__"),
      fc.jsonValue(),
    );
    const command = fc
      .tuple(fc.constantFrom(...KINDS), fc.oneof(fc.nat(), fc.jsonValue()), fc.oneof(fields, fc.jsonValue()))
      .map(([kind, id, body]) => ({ id, [kind]: body }));
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 4 }), (commands) =>
        neverThrows(frame(...commands)),
      ),
    );
  });

  test("[SE2] any commands that are written are read again, one for one", () => {
    const command = fc
      .tuple(fc.constantFrom(...KINDS), fc.integer({ min: 1, max: 0xffff_ffff }))
      .map(([kind, id]) => ({ kind, id, body: BODIES[kind] }));
    fc.assert(
      fc.property(fc.array(fc.option(command, { nil: undefined }), { minLength: 1 }), (given) => {
        const lines = given.map((one) => (one === undefined ? {} : { id: one.id, [one.kind]: one.body }));
        const expected = given
          .filter((one) => one !== undefined)
          .map((one) => ({ ...one, body: bodyOf(one.kind) }));
        expect(commandsOf(frame(...lines))).toEqual(expected);
      }),
    );
  });

  test("[BD26] a filter of any depth is read or refused, and takes no stack", () => {
    const filter = (depth: number) =>
      `${'{"op":"not","nodes":['.repeat(depth)}{"key":"a","cmp":"ex"}${"]}".repeat(depth)}`;
    const isRead = (depth: number) =>
      parseFrame(`{"id":1,"subscribe":{"channel":"a","tf":${filter(depth)}}}`).ok;
    expect([1, 16, 31, 32, 50_000].map(isRead)).toEqual([true, true, true, false, false]);
  });

  test("[SE2] a frame as deep as a frame can be is read without running out of stack", () => {
    const deep = "[".repeat(32_000) + "]".repeat(32_000);
    expect(parseFrame(`{"id":1,"rpc":{"data":${deep}}}`).ok).toBe(true);
    expect(parseFrame(deep)).toEqual({ ok: false, detail: "not an object" });
  });
});

describe("[CE2] a field that is null is absent", () => {
  test.each(KINDS)("[CE2] in %s", (kind) => {
    const needed = "channel" in BODIES[kind] ? { channel: "news" } : {};
    if (kind === "refresh") return;
    const nulls = Object.fromEntries(Object.keys(BODIES[kind]).map((name) => [name, null]));
    const { data: _data, ...body } = { data: null, ...nulls, ...needed };
    expect(commandsOf(frame({ id: 9, [kind]: body }))).toEqual([{ kind, id: 9, body: needed }]);
  });

  test("[CE2] in a position, a tags filter and the positions of connect, whatever the channels are called", () => {
    const text = frame(
      { id: 1, connect: { subs: { data: { offset: null, epoch: "x" }, gone: null } } },
      { id: 4, connect: { subs: { data: null } } },
      {
        id: 2,
        subscribe: { channel: "news", tf: { op: "not", nodes: [{ key: "a", cmp: "eq", val: null }] } },
      },
      { id: 3, history: { channel: "news", since: { offset: null, epoch: null } } },
    );
    expect(commandsOf(text).map(({ body }) => body)).toEqual([
      { subs: { data: { epoch: "x" } } },
      { subs: {} },
      { channel: "news", tf: { op: "not", nodes: [{ key: "a", cmp: "eq" }] } },
      { channel: "news", since: {} },
    ]);
  });

  test("[CE2] data may be null, and holds null", () => {
    const bodies = [null, { a: null, b: [null] }].map((data) => ({ channel: "news", data }));
    for (const body of bodies)
      expect(commandsOf(frame({ id: 1, publish: body }))).toEqual([
        { kind: "publish", id: 1, body: bodyOf("publish", body) },
      ]);
  });

  test("[CE2] nulls at any depth overflow nothing", () => {
    const deep = `${'{"nodes":['.repeat(5000)}null${"]}".repeat(5000)}`;
    const text = `{"id":1,"publish":{"channel":"a","x":${deep}}}`;
    expect(commandsOf(text)).toEqual([{ kind: "publish", id: 1, body: { channel: "a" } }]);
  });
});

test.each([1, 2, 3, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER])("[CE3] the flag %d is read", (flag) => {
  const body = { channel: "news", flag };
  expect(commandsOf(frame({ id: 1, subscribe: body }))).toEqual([{ kind: "subscribe", id: 1, body }]);
});

describe("[CE4] the data of a publish is the text that was sent", () => {
  const publish = (text: string) => commandsOf(text)[0]?.body;
  test.each(["1.0", "12345678901234567890", '{"a":1,"a":2}', '"\\u0061\\/"', "null", "[ 1 ,\t2 ]", "1e400"])(
    "[CE4] %s",
    (json) => {
      expect(publish(`{"id":1,"publish":{"data": ${json} ,"channel":"a"}}`)).toEqual({ channel: "a", json });
    },
  );

  test("[CE4] the last of two keys counts, and an escaped key is the key", () => {
    const text = String.raw`{"publish":{"data":1},"id":1,"\u0070ublish":{"channel":"a","data":2,"d\u0061ta":3.0}}`;
    expect(publish(text)).toEqual({ channel: "a", json: "3.0" });
  });

  test("[CE4] a line break inside becomes a space", () => {
    expect(publish('{"id":1,"publish":{"channel":"a","data":[1,\r2]}}')).toEqual({
      channel: "a",
      json: "[1, 2]",
    });
  });

  test("[CE5] data that is nested too deeply is no data", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const text = (levels: number) => `{"id":1,"publish":{"channel":"a","data":${nested(levels)}}}`;
    expect(publish(text(500))).toEqual({ channel: "a", json: nested(500) });
    expect(publish(text(501))).toEqual({ channel: "a" });
    expect(publish(text(30_000))).toEqual({ channel: "a" });
  });
});
