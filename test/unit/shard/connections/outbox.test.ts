import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sendFrame } from "../../../../src/shard/connections/outbox.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";
import { newSession } from "../../../../src/shard/connections/sessions.ts";

/** No frame of a test is the same text. */
const PING = "ping";
const LIMITS = { queuedBytes: 1_000, slowReaderGraceMs: 5_000 };

/** The bytes in the queue of a reader that reads nothing. */
const bytesOf = ({ frames }: Reader): number => Buffer.byteLength(frames.join(""));

/** A session with a peer whose reading the test decides, on a clock of its own. */
class Reader {
  now = 1_000_000;
  /** When the runtime last absorbed a pong of this peer. */
  answeredAt = 0;
  readonly frames: string[] = [];
  readonly session: Session;

  /** `queued` where the runtime counts what is queued. */
  constructor(queued?: () => number) {
    const send = (frame: string) => void this.frames.push(frame);
    const socket = { send };
    if (queued !== undefined) Object.defineProperty(socket, "bufferedAmount", { get: queued });
    this.session = newSession(
      socket as WebSocket,
      { state: "opening", id: "s", openedAt: 0, key: "ann", clientRegion: "auto", rank: 0 },
      { commandBurst: 1, commandsPerSecond: 1 },
    );
  }

  send(bytes: number) {
    return this.sendText("x".repeat(bytes));
  }

  sendText(text: string) {
    const { now } = this;
    const context = { limits: LIMITS, ping: PING, answeredAt: () => this.answeredAt, unread: { bytes: 0 } };
    return sendFrame(this.session, text, now, context);
  }

  /** Sends frames of 100 bytes. */
  sendBytes(bytes: number) {
    return Array.from({ length: bytes / 100 }, () => this.send(100)).at(-1);
  }

  get pings(): number {
    return this.frames.filter((frame) => frame === PING).length;
  }
}

test("[SE4] a socket that cannot be sent to is gone", () => {
  const reader = new Reader();
  reader.session.socket.send = () => {
    throw new TypeError("closed");
  };
  expect(reader.send(10)).toBe("gone");
});

describe("[SE4] where the runtime counts what is queued, a reader is slow by what it has left of earlier turns", () => {
  test("at the limit it is not slow, one byte later it is", () => {
    const reader: Reader = new Reader(() => bytesOf(reader));
    expect(reader.send(LIMITS.queuedBytes)).toBe("sent");
    reader.now += 1;
    expect(reader.send(1)).toBe("sent");
    reader.now += 1;
    expect(reader.send(1)).toBe("slow");
    expect(bytesOf(reader)).toBe(LIMITS.queuedBytes + 1);
  });

  test("frames over the limit in one turn are no reason: nothing can be read while a turn runs", () => {
    let read = 0;
    const reader: Reader = new Reader(() => bytesOf(reader) - read);
    for (let turn = 0; turn < 20; turn++) {
      reader.now += 1;
      read = bytesOf(reader);
      expect(reader.send(2 * LIMITS.queuedBytes)).toBe("sent");
      expect(reader.sendBytes(LIMITS.queuedBytes)).toBe("sent");
    }
  });

  test("one frame of any length closes no reader that reads", () => {
    let read = 0;
    const counted: Reader = new Reader(() => bytesOf(counted) - read);
    for (const length of [1, 10 * LIMITS.queuedBytes, 1, 20 * LIMITS.queuedBytes]) {
      counted.now += 1;
      read = bytesOf(counted);
      expect(counted.send(length)).toBe("sent");
    }
  });

  test("a turn has its end: eight times the limit is too much", () => {
    const reader: Reader = new Reader(() => bytesOf(reader));
    reader.send(300);
    expect(reader.sendBytes(7_800)).toBe("sent");
    expect(reader.send(1)).toBe("slow");
  });

  test("in bytes, whatever the text is, and however it is cut into frames", () => {
    const text = fc.string({
      unit: fc.constantFrom("x", "ü", "€", "\ud83d\ude00"),
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 60 }), (texts) => {
        const reader: Reader = new Reader(() => bytesOf(reader));
        for (const one of texts) {
          reader.now += 1;
          const before = bytesOf(reader);
          const result = reader.sendText(one);
          expect(result).toBe(before > LIMITS.queuedBytes ? "slow" : "sent");
          if (result === "slow") return;
        }
      }),
    );
  });

  test("a reader that reads may be sent any amount, and is never probed", () => {
    const reader = new Reader(() => 0);
    for (; reader.now < 1_000_100; reader.now++) expect(reader.sendBytes(LIMITS.queuedBytes)).toBe("sent");
    expect(reader.pings).toBe(0);
  });
});

describe("[SE4] where the runtime does not count, a reader is slow when it leaves a probe unanswered", () => {
  test("up to half the limit no reader is probed; past it there is one probe, behind the frame", () => {
    const reader = new Reader();
    expect(reader.sendBytes(500)).toBe("sent");
    expect(reader.pings).toBe(0);
    expect(reader.send(1)).toBe("sent");
    expect(reader.frames.slice(-2)).toEqual(["x", PING]);
    expect(reader.sendBytes(1_000)).toBe("sent");
    expect(reader.pings).toBe(1);
  });

  test("a reader that leaves the probe unanswered for the grace, with more than the limit sent, is slow", () => {
    const reader = new Reader();
    reader.sendBytes(1_200);
    reader.now += LIMITS.slowReaderGraceMs;
    expect(reader.send(1)).toBe("sent");
    reader.now += 1;
    expect(reader.send(1)).toBe("slow");
  });

  test("the grace alone makes no reader slow: a quiet channel does not cost a connection", () => {
    const reader = new Reader();
    reader.sendBytes(600);
    reader.now += 100 * LIMITS.slowReaderGraceMs;
    // The 600 count as half the limit from the probe on, and these make it exactly the limit.
    expect(reader.sendBytes(500)).toBe("sent");
    expect(reader.send(1)).toBe("slow");
  });

  test("frames prove nothing: a client that only talks does not read", () => {
    const reader = new Reader();
    reader.sendBytes(1_200);
    reader.now += 2 * LIMITS.slowReaderGraceMs;
    reader.session.lastFrameAt = reader.now;
    expect(reader.sendBytes(600)).toBe("slow");
  });

  test("eight times the limit is too much, also within the grace", () => {
    const reader = new Reader();
    reader.sendBytes(600);
    expect(reader.sendBytes(7_600)).toBe("sent");
    expect(reader.send(1)).toBe("slow");
  });

  test("a pong after the probe proves that it reads: it starts afresh, and is probed anew", () => {
    const reader = new Reader();
    reader.sendBytes(1_200);
    reader.now += 2_000;
    reader.answeredAt = reader.now;
    reader.now += LIMITS.slowReaderGraceMs;
    expect(reader.sendBytes(500)).toBe("sent");
    expect(reader.pings).toBe(1);
    expect(reader.sendBytes(200)).toBe("sent");
    expect(reader.pings).toBe(2);
  });

  test("an answer within the millisecond of the probe counts: the clock stands still during a turn", () => {
    const reader = new Reader();
    reader.sendBytes(1_200);
    reader.answeredAt = reader.now;
    reader.now += LIMITS.slowReaderGraceMs + 1;
    expect(reader.send(1)).toBe("sent");
  });

  test("a frame before the probe is no answer to it", () => {
    const reader = new Reader();
    reader.answeredAt = reader.now - 1;
    reader.session.lastFrameAt = reader.now - 1;
    reader.sendBytes(1_200);
    reader.now += LIMITS.slowReaderGraceMs + 1;
    expect(reader.send(1)).toBe("slow");
  });

  test("one frame above the limit is no reason by itself", () => {
    const reader = new Reader();
    expect(reader.send(5 * LIMITS.queuedBytes)).toBe("sent");
    reader.answeredAt = reader.now + 1;
    reader.now += 1_000_000;
    expect(reader.send(5 * LIMITS.queuedBytes)).toBe("sent");
  });
});

test("[SE4] a reader that answers every probe in time is never closed, and one that answers none always is", () => {
  const traffic = fc.array(
    fc.record({ bytes: fc.integer({ min: 1, max: 900 }), gapMs: fc.nat({ max: 2_000 }) }),
    { minLength: 60, maxLength: 100 },
  );
  fc.assert(
    fc.property(traffic, (sends) => {
      const [prompt, deaf] = [new Reader(), new Reader()];
      const deafHeard = new Set<string>();
      for (const { bytes, gapMs } of sends) {
        for (const reader of [prompt, deaf]) reader.now += gapMs;
        if (prompt.pings > 0) prompt.answeredAt = prompt.now;
        expect(prompt.send(bytes)).toBe("sent");
        deafHeard.add(deaf.send(bytes) ?? "");
      }
      // Until the tail is sent both clocks and both amounts may be small.
      deaf.now += LIMITS.slowReaderGraceMs + 1;
      for (let n = 0; n < 3; n++) deafHeard.add(deaf.send(LIMITS.queuedBytes) ?? "");
      deaf.now += LIMITS.slowReaderGraceMs + 1;
      deafHeard.add(deaf.send(1) ?? "");
      expect(deafHeard).toContain("slow");
    }),
  );
});

test("[SE4] a slow reader changes nothing for the others", () => {
  const [slow, quick] = [new Reader(), new Reader()];
  slow.sendBytes(1_200);
  slow.now += LIMITS.slowReaderGraceMs + 1;
  quick.now = slow.now;
  expect(slow.send(1)).toBe("slow");
  expect(quick.send(1)).toBe("sent");
  expect(quick.session.unprovenBytes).toBe(1);
});
