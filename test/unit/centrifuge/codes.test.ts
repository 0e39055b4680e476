import { expect, test } from "vitest";
import { DISCONNECTS, ERRORS, UNSUBSCRIBES } from "../../../src/centrifuge/codes.ts";

const disconnects = Object.entries(DISCONNECTS);
const errors = Object.entries(ERRORS);
const unsubscribes = Object.entries(UNSUBSCRIBES);

/** Whether a stock SDK connects again after a close code; it knows the ranges and no names. */
function reconnectsAfter(code: number): boolean {
  const stops = (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000) || code === 1009;
  return !stops;
}

const RECONNECTING = [
  "serverError",
  "expired",
  "subscriptionExpired",
  "slow",
  "insufficientState",
  "noPong",
  "tooManyRequests",
  "moved",
];

test("[SE3] a client returns after exactly those closes that another connection can mend", () => {
  const returning = disconnects.filter(([, { code }]) => reconnectsAfter(code)).map(([name]) => name);
  expect(returning.toSorted()).toEqual(RECONNECTING.toSorted());
});

test("[SE3] the one close code outside the protocol's ranges is WebSocket's own for a message too big", () => {
  const outside = disconnects.filter(([, { code }]) => code < 3000 || code > 4999);
  expect(outside.map(([name, { code }]) => [name, code])).toEqual([["messageTooBig", 1009]]);
});

test.each([...disconnects, ...unsubscribes])(
  "[SE3] the reason of %s fits a close frame and is not JSON",
  (_, { reason }) => {
    expect(reason).not.toBe("");
    expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
    expect(() => JSON.parse(reason) as unknown).toThrow(SyntaxError);
  },
);

test("[SE3] a client resubscribes after every unsubscribe but the server's own", () => {
  const resubscribing = unsubscribes.filter(([, { code }]) => code >= 2500).map(([name]) => name);
  expect(resubscribing.toSorted()).toEqual(["expired", "insufficientState"]);
  for (const [, { code }] of unsubscribes) {
    expect(code).toBeGreaterThanOrEqual(2000);
    expect(code).toBeLessThan(3000);
  }
});

test("[SE3] errors lie below every other code, and only the passing ones are temporary", () => {
  for (const [, { code }] of errors) {
    expect(code).toBeGreaterThanOrEqual(100);
    expect(code).toBeLessThan(400);
  }
  const temporary = errors.filter(([, error]) => "temporary" in error).map(([name]) => name);
  expect(temporary.toSorted()).toEqual(["internal", "tooManyRequests"]);
});

test("[SE3] errors keep the numbers of Centrifuge, which stock clients know by heart", () => {
  expect(Object.fromEntries(errors.map(([name, { code }]) => [name, code]))).toEqual({
    internal: 100,
    unauthorized: 101,
    unknownChannel: 102,
    permissionDenied: 103,
    methodNotFound: 104,
    alreadySubscribed: 105,
    limitExceeded: 106,
    badRequest: 107,
    notAvailable: 108,
    tokenExpired: 109,
    expired: 110,
    tooManyRequests: 111,
    unrecoverablePosition: 112,
  });
});

test("[SE3] no code means two things", () => {
  const codes = [...errors, ...disconnects, ...unsubscribes].map(([, { code }]) => code);
  expect(new Set(codes).size).toBe(codes.length);
});
