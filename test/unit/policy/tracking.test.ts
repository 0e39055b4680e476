import fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { logOptionsOf, parseChannel } from "../../../src/policy/channels.ts";
import { planTracking } from "../../../src/policy/tracking.ts";

const KEPT = { history_size: 10, history_ttl: "60s" };

/** The tracking of a user's subscription in a namespace with these options. */
function track(
  options: Record<string, unknown>,
  wishes: { recoverable?: boolean; positioned?: boolean; delta?: string } = {},
  { channel = "news", user = "ann" }: { channel?: string; user?: string } = {},
) {
  const parsed = parseChannel(channel, 255);
  if (!parsed.ok) throw new Error(`bad channel: ${channel}`);
  const { recoverable = false, positioned = false, delta } = wishes;
  const config = parseConfig({ RINGCAST_NS_DEFAULT: options });
  return planTracking({ config, channel: parsed.channel, user, recoverable, positioned, delta });
}

const NOTHING = { recoverable: false, positioned: false, delta: false, mode: "stream" };
const EVERY_WISH = { recoverable: true, positioned: true, delta: "fossil" };

test("[LG5] a subscription tracks nothing where nothing is kept, whatever the namespace forces", () => {
  const forced = {
    force_recovery: true,
    force_positioning: true,
    force_recovery_mode: "cache",
    allowed_delta_types: ["fossil"],
  };
  for (const history of [{}, { history_size: 0, history_ttl: "0s" }])
    expect(track({ ...forced, ...history }, EVERY_WISH)).toEqual(NOTHING);
});

test("[LG5] a subscription tracks nothing in a namespace that is not configured", () => {
  expect(track({ ...KEPT, force_recovery: true }, EVERY_WISH, { channel: "other:news" })).toEqual(NOTHING);
});

test("[DL2] recovery that the namespace forces needs no wish, and implies positions", () => {
  expect(track({ ...KEPT, force_recovery: true })).toEqual({
    ...NOTHING,
    recoverable: true,
    positioned: true,
  });
});

test("[DL2] recovery that the namespace allows is for a client that wishes it", () => {
  const options = { ...KEPT, allow_recovery: true };
  expect(track(options)).toEqual(NOTHING);
  expect(track(options, { recoverable: true })).toMatchObject({ recoverable: true, positioned: true });
  expect(track(options, { positioned: true })).toEqual(NOTHING);
});

test("[DL2] positions without recovery are for a client that wishes them, or are forced", () => {
  const positioned = { ...NOTHING, positioned: true };
  expect(track({ ...KEPT, allow_positioning: true })).toEqual(NOTHING);
  expect(track({ ...KEPT, allow_positioning: true }, { positioned: true })).toEqual(positioned);
  expect(track({ ...KEPT, allow_positioning: true }, { recoverable: true })).toEqual(NOTHING);
  expect(track({ ...KEPT, force_positioning: true })).toEqual(positioned);
});

test("[DL2, AU3] a client that may read the history may recover and have positions", () => {
  const options = { ...KEPT, allow_history_for_subscriber: true };
  expect(track(options, EVERY_WISH)).toMatchObject({ recoverable: true, positioned: true });
  expect(track(options)).toEqual(NOTHING);
  // The anonymous user may not read it.
  expect(track(options, EVERY_WISH, { user: "" })).toEqual(NOTHING);
});

test("[DL10] patches are for a client that asks for a kind that the namespace allows, and that has positions", () => {
  const options = { ...KEPT, allowed_delta_types: ["fossil"] };
  expect(track({ ...options, force_positioning: true }, { delta: "fossil" }).delta).toBe(true);
  expect(track({ ...options, force_positioning: true }, { delta: "other" }).delta).toBe(false);
  expect(track({ ...options, force_positioning: true }).delta).toBe(false);
  expect(track(options, { delta: "fossil" }).delta).toBe(false);
  expect(track({ ...KEPT, force_positioning: true }, { delta: "fossil" }).delta).toBe(false);
});

test("[DL9] the mode of recovery is the namespace's", () => {
  expect(track({ ...KEPT, force_recovery: true, force_recovery_mode: "cache" }).mode).toBe("cache");
});

test("[DL2] a subscription that is recoverable or has patches has positions, whatever is configured and wished", () => {
  const option = fc.constantFrom(
    "force_recovery",
    "allow_recovery",
    "force_positioning",
    "allow_positioning",
    "allow_history_for_subscriber",
  );
  const wishes = fc.record({
    recoverable: fc.boolean(),
    positioned: fc.boolean(),
    delta: fc.constantFrom("fossil", "other"),
  });
  fc.assert(
    fc.property(fc.subarray(["fossil"]), fc.array(option), wishes, (allowed_delta_types, options, wishes) => {
      const switches = Object.fromEntries(options.map((name) => [name, true]));
      const tracking = track({ ...KEPT, allowed_delta_types, ...switches }, wishes);
      if (tracking.recoverable || tracking.delta) expect(tracking.positioned).toBe(true);
      if (tracking.recoverable) expect(wishes.recoverable || options.includes("force_recovery")).toBe(true);
    }),
  );
});

test("[SO45] the server resumes a socket without a permission of the namespace, and a client does not", () => {
  const parsed = parseChannel("news", 255);
  if (!parsed.ok) throw new Error("bad channel");
  const config = parseConfig({ RINGCAST_NS_DEFAULT: KEPT });
  const asked = {
    config,
    channel: parsed.channel,
    user: "",
    recoverable: true,
    positioned: false,
    delta: undefined,
  };
  expect(planTracking(asked).recoverable).toBe(false);
  expect(planTracking({ ...asked, byServer: true }).recoverable).toBe(true);
});

test("[SO45] rooms keep what a client may resume for as long as a session may come back, and only where it may", () => {
  const parsed = parseChannel("ringcast:io:/,red", 255);
  if (!parsed.ok) throw new Error("bad channel");
  const optionsFor = (socketio: object) =>
    logOptionsOf(
      parseConfig({ RINGCAST: { socketio, limits: { recoveryMaxPublications: 77 } } }),
      parsed.channel,
    );
  expect(optionsFor({})).toBeUndefined();
  expect(optionsFor({ connectionStateRecovery: false })).toBeUndefined();
  // The session's time, two pings and the time for the last answer, and the clocks.
  expect(optionsFor({ connectionStateRecovery: true })).toMatchObject({
    history_size: 77,
    history_ttl: 120_000 + 2 * 25_000 + 20_000 + 10_000,
    force_recovery: true,
  });
  expect(optionsFor({ connectionStateRecovery: { maxDisconnectionDuration: 1_000 } })?.history_ttl).toBe(
    81_000,
  );
});
