import { evictAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { startOver } from "./client.ts";
import { ask, BAD_REQUEST, OK, Poller, UNKNOWN } from "./socketio-poller.ts";

afterEach(startOver);

describe("[SO22] a polling session goes on over a WebSocket", () => {
  test("[SO22] after the probe a GET ends with a noop, and packets go on where they were", async () => {
    const poller = await Poller.connect();
    const held = poller.get();
    const socket = await poller.socket();
    socket.say("2probe");
    await socket.next("3probe");
    expect(await held).toMatchObject({ status: 200, body: "6" });
    expect(await poller.get()).toMatchObject({ status: 200, body: "6" });
    await poller.post('421["echo","last"]\u001E422["echo","of all"]');
    socket.say("5");
    socket.say('423["echo","first"]');
    for (const answer of ['431["last"]', '432["of all"]', '433["first"]'])
      expect(await socket.next("4")).toBe(answer);
  });

  test("[SO22] packets that wait at the upgrade come over the socket, once", async () => {
    const poller = await Poller.connect("&key=ann");
    await poller.post('421["join","room"]');
    await poller.next("431");
    const sender = await Poller.connect("&key=bob");
    const socket = await poller.socket();
    socket.say("2probe");
    await socket.next("3probe");
    for (let n = 0; n < 3; n++) {
      await sender.post(`422["room",["room"],[],${n}]`);
      await sender.next("432");
    }
    socket.say("5");
    for (let n = 0; n < 3; n++) expect(await socket.next("4")).toBe(`42["said",${n}]`);
    socket.say('423["echo","end"]');
    expect(await socket.next("4")).toBe('433["end"]');
  });

  test("[SO22] a GET that is held at the upgrade, and any after it, is refused, and the socket goes on", async () => {
    const poller = await Poller.connect();
    const held = poller.get();
    const socket = await poller.socket();
    socket.say("2probe");
    socket.say("5");
    expect(await held).toMatchObject(BAD_REQUEST);
    expect(await poller.get()).toMatchObject(BAD_REQUEST);
    expect(await poller.post("3")).toMatchObject(BAD_REQUEST);
    socket.say('421["echo","well"]');
    expect(await socket.next("43")).toBe('431["well"]');
  });

  test("[SO22] another socket for the session is closed at once: while one probes, and after the upgrade", async () => {
    const poller = await Poller.connect();
    const socket = await poller.socket();
    await (
      await poller.socket()
    ).closed;
    socket.say("2probe");
    await socket.next("3probe");
    await (
      await poller.socket()
    ).closed;
    socket.say("5");
    await (
      await poller.socket()
    ).closed;
    socket.say('421["echo","well"]');
    expect(await socket.next("43")).toBe('431["well"]');
    await evictAllDurableObjects({ webSockets: "hibernate" });
    await (
      await poller.socket()
    ).closed;
    expect(await poller.get()).toMatchObject(BAD_REQUEST);
    socket.say('421["echo","again"]');
    expect(await socket.next("43")).toBe('431["again"]');
  });

  test.each(["40", "2", "3probe", "x"])("[SO22] a socket that says %s first is closed", async (frame) => {
    const poller = await Poller.connect();
    const socket = await poller.socket();
    socket.say(frame);
    await socket.closed;
    await poller.post('421["echo","still polling"]');
    expect(await poller.next("43")).toBe('431["still polling"]');
    const second = await poller.upgrade();
    second.say('422["echo","no more"]');
    expect(await second.next("43")).toBe('432["no more"]');
  });

  test("[SO22] a session that ends takes its probing socket along", async () => {
    const poller = await Poller.connect();
    const socket = await poller.socket();
    await poller.post("1");
    await socket.closed;
    expect(await poller.get()).toMatchObject(UNKNOWN);
  });

  test("[SO22] a client that a session's end meets on its way to the socket finds the last packets and the end there", async () => {
    const poller = await Poller.connect();
    const socket = await poller.socket();
    socket.say("2probe");
    await socket.next("3probe");
    expect(await poller.get()).toMatchObject({ body: "6" });
    // From here on a stock client polls no more.
    await poller.post('421["echo","last"]\u001E42["throw away",true]');
    expect(await poller.post("3")).toMatchObject(OK);
    socket.say("5");
    expect(await socket.next("43")).toBe('431["last"]');
    await socket.closed;
  });

  test("[SO22] a client that a session's end meets before it stops to poll hears it from its GET", async () => {
    const poller = await Poller.connect();
    const socket = await poller.socket();
    socket.say("2probe");
    await socket.next("3probe");
    await poller.post('42["throw away",true]');
    while ((await poller.get()).body !== "1");
    expect(await poller.get()).toMatchObject(UNKNOWN);
    socket.say("2probe");
    await socket.closed;
  });

  test("[SO22] a client that has broken the protocol on its way to the socket finds the end there alone", async () => {
    const poller = await Poller.connect();
    const socket = await poller.socket();
    socket.say("2probe");
    await socket.next("3probe");
    await poller.post('421["echo","lost"]');
    expect(await poller.post("no packet")).toMatchObject(BAD_REQUEST);
    socket.say("5");
    await expect(socket.next("43")).rejects.toThrow("the socket has closed");
  });

  test("[SO22] after the upgrade the session sleeps as any other: it keeps its rooms and its data", async () => {
    const poller = await Poller.connect();
    await poller.post('421["join","room"]');
    await poller.next("431");
    await poller.post('422["count"]');
    await poller.next("432");
    const socket = await poller.upgrade();
    socket.say('423["count"]');
    expect(await socket.next("43")).toBe("433[2]");
    await evictAllDurableObjects({ webSockets: "hibernate" });
    socket.say('424["count"]');
    expect(await socket.next("43")).toBe("434[3]");
    socket.say('425["room",["room"],[],"hi"]');
    expect(await socket.next("42")).toBe('42["said","hi"]');
  });

  test("[SO22] the session of a WebSocket takes no polling", async () => {
    const poller = await Poller.connect();
    await poller.upgrade();
    const { sid } = poller.handshake;
    expect(await ask(`EIO=4&transport=websocket&sid=${sid}`)).toMatchObject(BAD_REQUEST);
  });
});
