import { describe, expect, test } from "vitest";
import {
  newSimClient,
  stepSimClient,
  totalsOf,
  type SimClient,
  type SimEvent,
} from "../../../src/console/model/sim-client.ts";

/** Plays events, each with its time. */
function play(events: readonly (readonly [number, SimEvent])[], paused = false): SimClient {
  return events.reduce(
    (client, [at, event]) => stepSimClient(client, event, at, paused),
    newSimClient("ann"),
  );
}

const connected = (shard: string): SimEvent => ({ kind: "connected", shard });
const lost = (code: number): SimEvent => ({ kind: "connecting", code });

describe("a simulated client", () => {
  test("that is moved counts one move, and how long it was away", () => {
    const client = play([
      [0, lost(0)],
      [50, connected("auto-1")],
      [1_000, lost(4001)],
      [1_700, connected("auto-2")],
    ]);
    expect(client).toMatchObject({
      state: "connected",
      shard: "auto-2",
      moves: 1,
      losses: 0,
      lastOutageMs: 700,
    });
  });

  test("whose shard has died counts a loss, and is away until it is back", () => {
    const client = play([
      [0, lost(0)],
      [50, connected("auto-1")],
      [1_000, lost(1)],
    ]);
    expect(client).toMatchObject({ state: "connecting", moves: 0, losses: 1, awaySince: 1_000 });
  });

  test("is not away while it connects for the first time, or after it was stopped", () => {
    expect(play([[0, lost(0)]]).awaySince).toBeUndefined();
    const stopped = play([
      [50, connected("auto-1")],
      [60, lost(1)],
      [70, { kind: "disconnected", byHand: true }],
    ]);
    expect(stopped).toMatchObject({ state: "stopped", awaySince: undefined });
    expect(play([[70, { kind: "disconnected", byHand: false }]]).state).toBe("ended");
  });

  test("that is paused stays paused when it is moved", () => {
    const client = play(
      [
        [0, connected("auto-1")],
        [10, { kind: "paused" }],
        [20, lost(4001)],
        [30, connected("auto-2")],
      ],
      true,
    );
    expect(client.state).toBe("paused");
  });

  test("whose socket is refused twice is told apart from one that is merely away", () => {
    const waiting = play([[0, lost(0)]]);
    const refused = play([
      [0, lost(0)],
      [10, { kind: "refused" }],
      [20, { kind: "refused" }],
    ]);
    expect(totalsOf([waiting, refused])).toMatchObject({ all: 2, refused: 1 });
    expect(totalsOf([stepSimClient(refused, connected("a"), 30, false)]).refused).toBe(0);
  });
});

test("totals are sums, and the median and the longest of the last outages", () => {
  const away = (ms: number) =>
    play([
      [0, connected("a")],
      [100, lost(4001)],
      [100 + ms, connected("b")],
    ]);
  const totals = totalsOf([away(300), away(100), away(900), play([[0, connected("a")]])]);
  expect(totals).toMatchObject({ all: 4, moves: 3, losses: 0, outage: { p50Ms: 300, maxMs: 900 } });
  expect(totals.byState.connected).toBe(4);
  expect(totalsOf([]).outage).toBeUndefined();
});
