/** The load generator: its own process, which carries out the orders of its parent one after the other. */
import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../lib/stats.ts";
import { Clients, payload, type Opening } from "./clients.ts";
import { DIALECTS, type DialectName } from "./dialects.ts";

export type Traffic = {
  readonly dialect: DialectName;
  readonly channel: string;
  readonly payloadBytes: number;
};

export type Orders = {
  open: { order: Opening & { readonly as: "listeners" | "publishers" }; answer: Opened };
  once: { order: Traffic & { readonly times: number }; answer: Published[] };
  stream: { order: Traffic & { readonly perSecond: number; readonly seconds: number }; answer: Streamed };
  direct: { order: Traffic & { readonly key: string; readonly times: number }; answer: number[] };
  request: {
    order: Requests;
    answer: { readonly perSecond: number; readonly p50: number; readonly p99: number };
  };
  close: { order: { readonly as: "listeners" | "publishers" }; answer: null };
};
export type OrderName = keyof Orders;

type Opened = {
  readonly ms: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly welcome: string;
};
/** The ms from sending to half of the listeners, to 99 of 100, and to the last. */
type Published = { readonly p50: number; readonly p99: number; readonly last: number };
type Streamed = {
  readonly sent: number;
  readonly deliveries: number;
  readonly complete: boolean;
  readonly deliveriesPerSecond: number;
  readonly p50: number;
  readonly p99: number;
};
type Requests = {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly count: number;
  readonly atOnce: number;
};

const LATE_MS = 30_000;
/** A stream that is not complete by then counts as incomplete, and the generator does not wait for the rest. */
const STREAM_LATE_MS = 5_000;
const groups = { listeners: new Clients(), publishers: new Clients() };
const { listeners, publishers } = groups;

function publish(traffic: Traffic, n: number): number {
  const sentAt = performance.now();
  const frame = DIALECTS[traffic.dialect].publish(traffic.channel, payload(traffic.payloadBytes));
  publishers.sockets[n % publishers.sockets.length]?.send(frame);
  return sentAt;
}

const run: { [Name in OrderName]: (order: Orders[Name]["order"]) => Promise<Orders[Name]["answer"]> } = {
  async open(opening) {
    const startedAt = performance.now();
    const took = await groups[opening.as].open(opening);
    const ms = performance.now() - startedAt;
    const perSecond = (took.length / ms) * 1_000;
    const { welcome } = groups[opening.as];
    return { ms, perSecond, p50: quantile(took, 0.5), p99: quantile(took, 0.99), welcome };
  },
  async once({ times, ...traffic }) {
    const published: Published[] = [];
    for (let n = 0; n < times; n++) {
      const heard = listeners.expect(listeners.sockets.length, LATE_MS);
      const sentAt = publish(traffic, n);
      if (!(await heard))
        throw new Error(
          `only ${listeners.delivered} of ${listeners.sockets.length} listeners got the publication`,
        );
      const { latencies } = listeners;
      published.push({
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        last: listeners.lastAt - sentAt,
      });
      await sleep(100);
    }
    return published;
  },
  async stream({ perSecond, seconds, ...traffic }) {
    const total = Math.round(perSecond * seconds);
    const expected = total * listeners.sockets.length;
    const heard = listeners.expect(expected, seconds * 1_000 + STREAM_LATE_MS);
    const startedAt = performance.now();
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) + 1);
      for (; sent < due; sent++) publish(traffic, sent);
      await sleep(Math.max(1, startedAt + (sent / perSecond) * 1_000 - performance.now()));
    }
    const complete = await heard;
    const { delivered: deliveries, lastAt, latencies } = listeners;
    return {
      sent: total,
      deliveries,
      complete,
      deliveriesPerSecond: (deliveries / (lastAt - startedAt)) * 1_000,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
    };
  },
  async direct({ key, times, ...traffic }) {
    const took: number[] = [];
    for (let n = 0; n < times; n++) {
      const heard = listeners.expect(1, LATE_MS);
      const sentAt = performance.now();
      publishers.sockets[0]?.send(DIALECTS[traffic.dialect].direct(key, payload(traffic.payloadBytes)));
      if (!(await heard)) throw new Error("a direct message did not arrive");
      took.push(performance.now() - sentAt);
    }
    return took;
  },
  async request({ url, headers, body, count, atOnce }) {
    const took: number[] = [];
    let next = 0;
    const startedAt = performance.now();
    const worker = async () => {
      while (next++ < count) {
        const sentAt = performance.now();
        const response = await fetch(url, { method: "POST", headers, body });
        const answer = await response.text();
        if (!response.ok || answer.includes('"error"')) throw new Error(answer);
        took.push(performance.now() - sentAt);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    const perSecond = (took.length / (performance.now() - startedAt)) * 1_000;
    return { perSecond, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
  },
  async close({ as }) {
    await groups[as].close();
    return null;
  },
};

process.on("message", ({ name, order }: { name: OrderName; order: never }) => {
  run[name](order).then(
    (answer: unknown) => process.send?.({ answer }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
