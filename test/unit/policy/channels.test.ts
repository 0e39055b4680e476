import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChannelName, parseChannel } from "../../../src/policy/channels.ts";
import { anyText } from "../any-text.ts";

const MAX_BYTES = 255;

function read(name: string): ChannelName {
  const parsed = parseChannel(name, MAX_BYTES);
  if (!parsed.ok) throw new Error(`refused: ${name}`);
  return parsed.channel;
}

const NAMES: [name: string, parts: Omit<ChannelName, "name">][] = [
  ["news", { namespace: undefined, isPrivate: false, users: undefined }],
  ["chat:room", { namespace: "chat", isPrivate: false, users: undefined }],
  ["chat:room:1", { namespace: "chat", isPrivate: false, users: undefined }],
  ["$secret", { namespace: undefined, isPrivate: true, users: undefined }],
  ["$chat:room", { namespace: "chat", isPrivate: true, users: undefined }],
  ["dialog#ann,bob", { namespace: undefined, isPrivate: false, users: ["ann", "bob"] }],
  ["chat:dialog#ann", { namespace: "chat", isPrivate: false, users: ["ann"] }],
  ["$chat:dialog#ann", { namespace: "chat", isPrivate: true, users: ["ann"] }],
  // An empty list names the empty user, and planSubscribe refuses that user.
  ["dialog#", { namespace: undefined, isPrivate: false, users: [""] }],
  // As in Centrifugo, the users follow the last "#".
  ["a#b#c,d", { namespace: undefined, isPrivate: false, users: ["c", "d"] }],
  // A namespace without a name cannot be configured, so the channel is unknown.
  [":room", { namespace: "", isPrivate: false, users: undefined }],
  ["two words", { namespace: undefined, isPrivate: false, users: undefined }],
];

test.each(NAMES)("[AU3] the name %j is taken apart into namespace, privacy and users", (name, parts) => {
  expect(read(name)).toEqual({ name, ...parts });
});

test.each(["", " ", " a", "a ", "a\n", "\ta", "a\nb", "a\u0000b", "a\u007f", "é", "日本", "a\u{1f600}"])(
  "[AU3] the name %j is refused",
  (name) => {
    expect(parseChannel(name, MAX_BYTES)).toEqual({ ok: false });
  },
);

test("[AU3] a name of as many bytes as allowed is accepted, and one more is refused", () => {
  expect(parseChannel("x".repeat(16), 16).ok).toBe(true);
  expect(parseChannel("x".repeat(17), 16).ok).toBe(false);
});

test("[AU3] any text is either refused or printable, within the limit and kept as it is", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ maxLength: 40 }), anyText({ maxLength: 40 })),
      fc.integer({ min: 16, max: 32 }),
      (name, most) => {
        const parsed = parseChannel(name, most);
        const printable = !/[^ -~]/.test(name);
        const acceptable = name !== "" && name.length <= most && printable && name.trim() === name;
        expect(parsed.ok).toBe(acceptable);
        if (parsed.ok) expect(parsed.channel.name).toBe(name);
      },
    ),
  );
});

test("[AU3] the parts that a name was made of are read back", () => {
  const word = fc.stringMatching(/^[a-z0-9_-]{1,8}$/);
  const parts = fc.record({
    isPrivate: fc.boolean(),
    namespace: fc.option(word, { nil: undefined }),
    rest: word,
    users: fc.option(fc.array(word, { minLength: 1, maxLength: 4 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(parts, ({ isPrivate, namespace, rest, users }) => {
      const prefix = `${isPrivate ? "$" : ""}${namespace === undefined ? "" : `${namespace}:`}`;
      const name = `${prefix}${rest}${users === undefined ? "" : `#${users.join(",")}`}`;
      expect(read(name)).toEqual({ name, namespace, isPrivate, users });
    }),
  );
});
