import { afterEach, describe, expect, test } from "vitest";
import { startOver } from "./client.ts";
import { BAD_REQUEST, Poller, SEPARATOR, UNKNOWN } from "./socketio-poller.ts";

afterEach(startOver);

describe("[SO23] sessions that poll are bounded as sockets are", () => {
  test("[SO23] a flood of packets ends its session, and no other", async () => {
    const witness = await Poller.connect("&key=ann");
    const flood = await Poller.connect("&key=ann");
    const held = flood.get();
    const body = Array.from({ length: 2_000 }, () => '42["x"]').join(SEPARATOR);
    expect(await flood.post(body)).toMatchObject(BAD_REQUEST);
    expect(await held).toMatchObject({ body: "1" });
    expect(await flood.get()).toMatchObject(UNKNOWN);
    await witness.post('421["echo","well"]');
    expect(await witness.next("43")).toBe('431["well"]');
  });

  test("[SO23] bytes cost tokens, too", async () => {
    const poller = await Poller.connect();
    const large = `42["x","${"x".repeat(60_000)}"]`;
    let answer = await poller.post(large);
    for (let n = 0; n < 200 && answer.status === 200; n++) answer = await poller.post(large);
    expect(answer).toMatchObject(BAD_REQUEST);
  });

  test("[SO23] a flood of probes ends its socket", async () => {
    const statuses: number[] = [];
    // On a slow machine the flood may last longer than a session has for its ping.
    while (!statuses.includes(200) && statuses.length < 5) {
      const poller = await Poller.connect();
      const socket = await poller.socket();
      for (let n = 0; n < 2_000; n++) socket.say("2probe");
      await socket.closed;
      // The flood has spent what the session may send: a POST may be too much, but it may read.
      statuses.push((await poller.get()).status);
    }
    expect(statuses).toContain(200);
  });

  test("[SO23] a session that leaves too much unread is ended", async () => {
    const poller = await Poller.connect();
    const large = "x".repeat(60_000);
    let status = 200;
    for (let n = 0; n < 40 && status === 200; n++) {
      ({ status } = await poller.post(`42["echo","${large}"]`));
      // The tokens of a slow flood come back meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(status).toBe(400);
    expect(await poller.get()).toMatchObject(UNKNOWN);
  });
});
