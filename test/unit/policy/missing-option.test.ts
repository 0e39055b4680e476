import { expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { splitName } from "../../../src/policy/channels.ts";
import { missingOption } from "../../../src/policy/missing-option.ts";
import { mayPublish, planSubscribe } from "../../../src/policy/permissions.ts";

const NAMESPACES: Record<string, object> = {
  DEFAULT: {},
  open: { allow_subscribe_for_client: true, allow_publish_for_client: true },
  members: { allow_subscribe_for_client: true, allow_publish_for_subscriber: true },
};
const settings = (development: boolean, extra: Record<string, object> = {}) =>
  parseConfig({
    RINGCAST: { development, anonymous: true },
    ...Object.fromEntries(
      Object.entries(NAMESPACES).map(([name, options]) => [
        `RINGCAST_NS_${name}`,
        { ...options, ...extra[name] },
      ]),
    ),
  });

test.each([
  ["lobby", "ann", undefined, "RINGCAST_NS_DEFAULT has no allow_subscribe_for_client"],
  [
    "open:a",
    "",
    undefined,
    "the client has no token, and RINGCAST_NS_open has no allow_subscribe_for_anonymous",
  ],
  ["$open:a", "ann", undefined, "a channel that begins with $ needs a subscription token"],
  ["open:a#bob", "ann", undefined, "the channel is for the users that follow its #"],
  ["open:a#bob", "ann", false, "the channel is for the users that follow its #"],
  ["lobby", "ann", true, "RINGCAST_NS_DEFAULT has no allow_publish_for_subscriber"],
  [
    "members:a",
    "ann",
    false,
    "the client is not subscribed, and RINGCAST_NS_members has no allow_publish_for_client",
  ],
  ["open:a", "", false, "the client has no token, and RINGCAST_NS_open has no allow_publish_for_anonymous"],
  ["ringcast:live", "ann", undefined, undefined],
] as const)(
  "[FH2] in development a refusal in %s of %j, subscribed: %s, says what is missing",
  (name, user, subscribed, said) => {
    const channel = splitName(name);
    const asked = (development: boolean, extra = {}) => ({
      config: settings(development, extra),
      channel,
      user,
    });
    const may = (one: ReturnType<typeof asked>) =>
      subscribed === undefined
        ? planSubscribe({ ...one, granted: false })
        : mayPublish({ ...one, subscribed, granted: false });
    expect(may(asked(true))).toBe("permissionDenied");
    const of = subscribed === undefined ? {} : { subscribed };
    expect(missingOption({ ...asked(true), ...of })).toBe(said);
    expect(missingOption({ ...asked(false), ...of })).toBeUndefined();
    // With the option that is named the client is let in.
    const [, namespace, option] = /RINGCAST_NS_(\w+) has no (\w+)$/.exec(said ?? "") ?? [];
    if (namespace !== undefined && option !== undefined)
      expect(may(asked(true, { [namespace]: { [option]: true } }))).toBe("allowed");
  },
);
