import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { type NamespaceConfig, namespaceSchema } from "../../../src/config/namespace.ts";
import { namespaceOf, parseChannel } from "../../../src/policy/channels.ts";
import {
  mayHistory,
  mayJoinLeave,
  mayPresence,
  mayPublish,
  planSubscribe,
} from "../../../src/policy/permissions.ts";

/** The options that are switches: what else a namespace may hold permits nothing. */
type Switch = {
  [Name in keyof NamespaceConfig]: NamespaceConfig[Name] extends boolean ? Name : never;
}[keyof NamespaceConfig];
type Options = Partial<Record<Switch, boolean>>;

/** A question of a user about a channel; `options` are those of the channels without a prefix and of `chat:`. */
function asked(given: { options?: Options; channel?: string; user?: string; insecure?: boolean } = {}) {
  const { options = {}, channel = "news", user = "ann", insecure = false } = given;
  const parsed = parseChannel(channel, 255);
  if (!parsed.ok) throw new Error(`bad channel: ${channel}`);
  const config = parseConfig({
    RINGCAST: { insecure },
    RINGCAST_NS_DEFAULT: options,
    RINGCAST_NS_chat: options,
  });
  return { config, channel: parsed.channel, user };
}

const subscribe = (given: Parameters<typeof asked>[0], granted = false) =>
  planSubscribe({ ...asked(given), granted });
const publish = (given: Parameters<typeof asked>[0], subscribed = false) =>
  mayPublish({ ...asked(given), subscribed, granted: false });
const presence = (given: Parameters<typeof asked>[0], subscribed = false) =>
  mayPresence({ ...asked(given), subscribed });

const history = (given: Parameters<typeof asked>[0], subscribed = false) => {
  const { config, ...rest } = asked(given);
  const kept = { history_size: 1, history_ttl: 1000 };
  const namespaces = new Map([...config.namespaces].map(([name, one]) => [name, { ...one, ...kept }]));
  const defaultNamespace = { ...config.defaultNamespace, ...kept };
  return mayHistory({ config: { ...config, namespaces, defaultNamespace }, ...rest, subscribed });
};

const optionNames = Object.entries(namespaceSchema.parse({}))
  .filter(([, value]) => typeof value === "boolean")
  .map(([name]) => name as Switch);
const switchedOn = (names: readonly Switch[]): Options =>
  Object.fromEntries(names.map((name) => [name, true]));
const all = switchedOn(optionNames);
const allBut = (...names: Switch[]): Options =>
  switchedOn(optionNames.filter((name) => !names.includes(name)));

const arbitraryOptions = fc.subarray(optionNames).map(switchedOn);
const arbitraryAsked = fc.record({
  options: arbitraryOptions,
  channel: fc.constantFrom("news", "chat:room", "$news", "$chat:room", "news#ann,bob", "$chat:room#ann"),
  user: fc.constantFrom("", "ann", "bob", "eve"),
});

describe("[AU3] namespaces", () => {
  test("[AU3] a channel obeys the options of its own namespace", () => {
    const config = parseConfig({
      RINGCAST_NS_a: { presence: true },
      RINGCAST_NS_DEFAULT: { join_leave: true },
    });
    const of = (channel: string) => namespaceOf(config, asked({ channel }).channel);
    expect(of("a:x")).toMatchObject({ presence: true, join_leave: false });
    expect(of("$a:x")).toMatchObject({ presence: true, join_leave: false });
    expect(of("x")).toMatchObject({ presence: false, join_leave: true });
    expect(of("b:x")).toBeUndefined();
    // Only the variable is called so.
    expect(of("DEFAULT:x")).toBeUndefined();
  });

  test.each(["other:x", ":x", "__proto__:x", "constructor:x"])(
    "[AU3] no client may do anything in %s, whose namespace is not configured",
    (channel) => {
      for (const insecure of [false, true]) {
        const given = { channel, options: all, insecure };
        expect(subscribe(given, true)).toBe("unknownChannel");
        expect(publish(given, true)).toBe("unknownChannel");
        expect(presence(given, true)).toBe("unknownChannel");
        expect(mayJoinLeave({ ...asked(given), subscribed: true, asked: true })).toBe(false);
      }
    },
  );

  test("[AU3] a namespace without options permits nothing", () => {
    fc.assert(
      fc.property(arbitraryAsked, fc.boolean(), (who, subscribed) => {
        const given = { ...who, options: {} };
        expect(subscribe(given)).toBe("permissionDenied");
        expect(publish(given, subscribed)).toBe("permissionDenied");
        expect(presence(given, subscribed)).toBe("notAvailable");
        expect(mayJoinLeave({ ...asked(given), subscribed, asked: true })).toBe(false);
      }),
    );
  });
});

describe("[AU3] subscribing", () => {
  test("[AU3] a named user subscribes where clients may, and a nameless one where the anonymous may too", () => {
    const clients = { allow_subscribe_for_client: true };
    expect(subscribe({ options: clients })).toBe("allowed");
    expect(subscribe({ options: clients, user: "" })).toBe("permissionDenied");
    expect(subscribe({ options: { ...clients, allow_subscribe_for_anonymous: true }, user: "" })).toBe(
      "allowed",
    );
  });

  test("[AU3] permission for the anonymous is none without that for clients", () => {
    const options = { allow_subscribe_for_anonymous: true };
    expect(subscribe({ options, user: "" })).toBe("permissionDenied");
    expect(subscribe({ options })).toBe("permissionDenied");
  });

  test("[AU3] a private channel opens to a subscription token alone, whatever its namespace permits", () => {
    fc.assert(
      fc.property(arbitraryOptions, fc.constantFrom("", "ann", "eve"), (options, user) => {
        for (const channel of ["$news", "$chat:room", "$chat:room#ann"]) {
          expect(subscribe({ options, user, channel })).toBe("permissionDenied");
          expect(subscribe({ options, user, channel }, true)).toBe("allowed");
        }
      }),
    );
  });

  test("[AU3] a token opens a known channel without any option", () => {
    fc.assert(
      fc.property(arbitraryAsked, (who) => {
        expect(subscribe(who, true)).toBe("allowed");
      }),
    );
  });

  test.each([
    ["ann", "allowed"],
    ["bob", "allowed"],
    ["eve", "permissionDenied"],
    ["an", "permissionDenied"],
    ["ann,bob", "permissionDenied"],
    ["", "permissionDenied"],
  ])("[AU3] of a channel for #ann,bob the user %j hears: %s", (user, permission) => {
    const options = { allow_user_limited_channels: true };
    expect(subscribe({ options, user, channel: "dialog#ann,bob" })).toBe(permission);
  });

  test("[AU3] the list of users keeps others out, even where all clients may subscribe", () => {
    expect(subscribe({ options: all, user: "eve", channel: "dialog#ann,bob" })).toBe("permissionDenied");
  });

  test("[AU3] an empty list of users does not name the nameless", () => {
    expect(subscribe({ options: all, user: "", channel: "dialog#" })).toBe("permissionDenied");
    expect(subscribe({ options: all, user: "", channel: "dialog#ann," })).toBe("permissionDenied");
  });

  test("[AU20] the list of users keeps others out, whatever the namespace permits", () => {
    fc.assert(
      fc.property(arbitraryOptions, fc.constantFrom("", "eve", "an", "ann,bob"), (options, user) => {
        const given = { options, user, channel: "chat:dialog#ann,bob" };
        expect(subscribe(given)).toBe("permissionDenied");
        expect(publish(given)).toBe("permissionDenied");
        expect(presence(given)).toBe(options.presence === true ? "permissionDenied" : "notAvailable");
        expect(history(given)).toBe("permissionDenied");
      }),
    );
  });

  test("[AU20] a user that the channel names may do what the namespace permits", () => {
    const given = { options: all, user: "bob", channel: "dialog#ann,bob" };
    expect(subscribe(given)).toBe("allowed");
    expect(publish(given)).toBe("allowed");
    expect(presence(given)).toBe("allowed");
    expect(history(given)).toBe("allowed");
    expect(publish({ ...given, options: {} })).toBe("permissionDenied");
  });

  test("[AU20] a named user subscribes by the channel's name, or as a client where clients may", () => {
    const given = { user: "ann", channel: "dialog#ann" };
    expect(subscribe({ ...given, options: { allow_user_limited_channels: true } })).toBe("allowed");
    expect(subscribe({ ...given, options: { allow_subscribe_for_client: true } })).toBe("allowed");
    expect(subscribe({ ...given, options: {} })).toBe("permissionDenied");
  });

  test("[AU20] a token, the server or a hook lets a user in that the channel does not name", () => {
    const given = { options: all, user: "eve", channel: "dialog#ann" };
    expect(subscribe(given, true)).toBe("allowed");
    expect(publish(given, true)).toBe("allowed");
    expect(presence(given, true)).toBe("allowed");
    expect(history(given, true)).toBe("allowed");
  });
});

describe("[AU3] publishing and presence", () => {
  const cases = [
    ["publishing", publish, "allow_publish"],
    ["presence", presence, "allow_presence"],
  ] as const;

  test.each(cases)("[AU3] %s opens to clients where they may, subscribed or not", (_, may, prefix) => {
    const options = { presence: true, [`${prefix}_for_client`]: true };
    expect(may({ options })).toBe("allowed");
    expect(may({ options }, true)).toBe("allowed");
  });

  test.each(cases)("[AU3] %s opens to subscribers only where no more is said", (_, may, prefix) => {
    const options = { presence: true, [`${prefix}_for_subscriber`]: true };
    expect(may({ options }, true)).toBe("allowed");
    expect(may({ options })).toBe("permissionDenied");
  });

  test.each(cases)("[AU3] %s opens to the nameless only where the anonymous may too", (_, may, prefix) => {
    const granted = { presence: true, [`${prefix}_for_client`]: true, [`${prefix}_for_subscriber`]: true };
    const anonymous = { [`${prefix}_for_anonymous`]: true };
    expect(may({ options: granted, user: "" }, true)).toBe("permissionDenied");
    expect(may({ options: { ...granted, ...anonymous }, user: "" }, true)).toBe("allowed");
    expect(may({ options: { presence: true, ...anonymous }, user: "" }, true)).toBe("permissionDenied");
  });

  test.each(cases)("[AU3] %s obeys no option of another kind", (_, may, prefix) => {
    const foreign = allBut(
      ...optionNames.filter((name) => name.startsWith(prefix) && !name.endsWith("anonymous")),
    );
    expect(may({ options: foreign }, true)).toBe("permissionDenied");
  });

  test("[AU3] presence that is not kept is not available, also where everything is permitted", () => {
    const options = allBut("presence");
    expect(presence({ options }, true)).toBe("notAvailable");
    expect(presence({ options, insecure: true }, true)).toBe("notAvailable");
  });
});

describe("[AU3] joins and leaves", () => {
  const hears = (options: Options, asks: { asked: boolean; insecure?: boolean; user?: string }) => {
    const { asked: asksForThem, ...given } = asks;
    return mayJoinLeave({ ...asked({ options, ...given }), subscribed: true, asked: asksForThem });
  };

  test("[AU3] a subscriber that asks hears of them where it may see presence", () => {
    const options = { join_leave: true, presence: true, allow_presence_for_subscriber: true };
    expect(hears(options, { asked: true })).toBe(true);
    expect(hears(options, { asked: false })).toBe(false);
    expect(hears(options, { asked: true, user: "" })).toBe(false);
    expect(hears({ ...options, allow_presence_for_subscriber: false }, { asked: true })).toBe(false);
    expect(hears({ ...options, presence: false }, { asked: true })).toBe(false);
  });

  test("[AU3] a namespace that forces them tells everybody", () => {
    const forced = { join_leave: true, force_push_join_leave: true };
    expect(hears(forced, { asked: false })).toBe(true);
    expect(hears(forced, { asked: false, user: "" })).toBe(true);
  });

  test("[AU3] a namespace that has none tells no subscriber, forced or insecure", () => {
    const options = allBut("join_leave");
    expect(hears(options, { asked: true })).toBe(false);
    expect(hears(options, { asked: true, insecure: true })).toBe(false);
  });
});

test("[AU3] insecure grants everything that a known namespace can do", () => {
  fc.assert(
    fc.property(arbitraryAsked, fc.boolean(), (who, subscribed) => {
      const given = { ...who, insecure: true };
      expect(subscribe(given)).toBe("allowed");
      expect(publish(given, subscribed)).toBe("allowed");
      expect(presence(given, subscribed)).toBe(who.options.presence === true ? "allowed" : "notAvailable");
    }),
  );
});

test("[AU3] one option more never takes publishing or presence away", () => {
  fc.assert(
    fc.property(arbitraryAsked, fc.constantFrom(...optionNames), fc.boolean(), (who, more, subscribed) => {
      const wider = { ...who, options: { ...who.options, [more]: true } };
      if (publish(who, subscribed) === "allowed") expect(publish(wider, subscribed)).toBe("allowed");
      if (presence(who, subscribed) === "allowed") expect(presence(wider, subscribed)).toBe("allowed");
    }),
  );
});

describe("[AU8] an operator's session", () => {
  test("[AU8] reads history and presence wherever the namespace has them, and publishes nowhere", () => {
    const options = { presence: true, history_size: 10, history_ttl: "1m" };
    const config = parseConfig({
      RINGCAST_NS_closed: options,
      RINGCAST_NS_plain: {},
    });
    const outcomes = (name: string) => {
      const parsed = parseChannel(name, 255);
      if (!parsed.ok) throw new Error(name);
      const asking = { config, channel: parsed.channel, user: "", operator: true, subscribed: false };
      const publishing = [true, false].map((granted) => mayPublish({ ...asking, granted }));
      return [mayHistory(asking), mayPresence(asking), ...publishing];
    };
    const denied = ["permissionDenied", "permissionDenied"];
    expect(outcomes("closed:room")).toEqual(["allowed", "allowed", ...denied]);
    expect(outcomes("closed:#ann")).toEqual(["allowed", "allowed", ...denied]);
    expect(outcomes("plain:room")).toEqual(["notAvailable", "notAvailable", ...denied]);
    expect(outcomes("ringcast:live")).toEqual([...denied, ...denied]);
  });
});
