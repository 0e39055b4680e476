import { afterEach, expect, test } from "vitest";
import { startOver } from "./client.ts";
import { Poller } from "./socketio-poller.ts";

afterEach(startOver);

test("[SO31] a client that reads hears volatile events for ever, however much it has been sent", async () => {
  const poller = await Poller.connect();
  const socket = await poller.upgrade();
  socket.say('421["join","room"]');
  await socket.next("431");
  const text = "x".repeat(4_000);
  const heard: number[] = [];
  for (let n = 0; n < 60; n++) {
    socket.say(`42${n}["volatile","room",${n},"${text}"]`);
    let frame = "";
    while (!frame.startsWith("43")) {
      frame = await socket.next("");
      if (frame === "2") socket.say("3");
      if (frame.startsWith("42[")) heard.push((JSON.parse(frame.slice(2)) as [string, number])[1]);
    }
  }
  // Some are passed over while the shard asks whether the client has read the others.
  expect(heard.length).toBeGreaterThan(40);
  expect(heard.at(-1)).toBeGreaterThan(50);
});
