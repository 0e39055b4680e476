import { describe, expect, test } from "vitest";
import {
  newSimClientView,
  stepSimClientView,
  totalsOf,
  type SimClientView,
  type SimClientEvent,
} from "../../../src/console/model/sim-client-view.ts";

/** Applies events to a new client, each at its time. */
function viewAfter(events: readonly (readonly [number, SimClientEvent])[], paused = false): SimClientView {
  return events.reduce(
    (client, [at, event]) => stepSimClientView(client, event, { now: at, paused }),
    newSimClientView("ann"),
  );
}

const connected = (shard: string): SimClientEvent => ({ kind: "connected", shard });
const lost = (code: number): SimClientEvent => ({ kind: "connecting", code });

describe("a simulated client", () => {
  test("counts one move and the length of the outage when the cluster moves it", () => {
    const client = viewAfter([
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

  test("counts one loss when its shard crashes, and is away until it reconnects", () => {
    const client = viewAfter([
      [0, lost(0)],
      [50, connected("auto-1")],
      [1_000, lost(1)],
    ]);
    expect(client).toMatchObject({ state: "connecting", moves: 0, losses: 1, awaySince: 1_000 });
  });

  test("is not away during its first connect, or after the operator has stopped it", () => {
    expect(viewAfter([[0, lost(0)]]).awaySince).toBeUndefined();
    const stopped = viewAfter([
      [50, connected("auto-1")],
      [60, lost(1)],
      [70, { kind: "disconnected", byHand: true }],
    ]);
    expect(stopped).toMatchObject({ state: "stopped", awaySince: undefined });
    expect(viewAfter([[70, { kind: "disconnected", byHand: false }]]).state).toBe("ended");
  });

  test("stays paused during a move", () => {
    const client = viewAfter(
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

  test("counts as refused after two refused sockets, and not before", () => {
    const waiting = viewAfter([[0, lost(0)]]);
    const refused = viewAfter([
      [0, lost(0)],
      [10, { kind: "refused" }],
      [20, { kind: "refused" }],
    ]);
    expect(totalsOf([waiting, refused])).toMatchObject({ all: 2, refused: 1 });
    expect(totalsOf([stepSimClientView(refused, connected("a"), { now: 30, paused: false })]).refused).toBe(
      0,
    );
  });
});

test("totals are sums, with the median and the longest of the last outages", () => {
  const away = (ms: number) =>
    viewAfter([
      [0, connected("a")],
      [100, lost(4001)],
      [100 + ms, connected("b")],
    ]);
  const totals = totalsOf([away(300), away(100), away(900), viewAfter([[0, connected("a")]])]);
  expect(totals).toMatchObject({ all: 4, moves: 3, losses: 0, outage: { p50Ms: 300, maxMs: 900 } });
  expect(totals.byState.connected).toBe(4);
  expect(totalsOf([]).outage).toBeUndefined();
});
