import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { createRingcast, DataOf, Ringcast, Server } from "../../../src/ringcast.ts";
import { defineChannels } from "../../../src/typed/channels.ts";
import { problemOf, Schemas } from "../../../src/typed/schemas.ts";

const channels = defineChannels({
  "chat:*": z.object({ text: z.string(), at: z.number().default(0) }),
  "score:?:*": z.number(),
  lobby: z.string(),
});
type Channels = typeof channels;
type Typed = ReturnType<typeof createRingcast<any, any, any, any, Channels>>;

/** `npm run check` checks these types. */
async function publish(server: Server<Channels>, name: string): Promise<void> {
  await server.publish("chat:a", { text: "hi" });
  await server.publish("score:a:b", 1, { tags: { a: "b" } });
  await server.publish("lobby", "hi");
  await server.publish("other", { anything: 1 });
  await server.publish(name, { anything: 1 });
  // @ts-expect-error -- a field is missing
  await server.publish("chat:a", {});
  // @ts-expect-error -- a number is no text
  await server.publish("lobby", 1);
  // @ts-expect-error -- there is no such option
  await server.publish("lobby", "hi", { idempotencyKey: "a" });
  await server.broadcast(["chat:a", "chat:b"], { text: "hi" });
  // @ts-expect-error -- no data fits both
  await server.broadcast(["chat:a", "lobby"], { text: "hi" });
  const { result } = await server.history("score:a:b");
  expectTypeOf(result?.publications[0]?.data).toEqualTypeOf<number | undefined>();
}

test("[PK10] the type of a channel's data is that of the first pattern which its name fits", async () => {
  expectTypeOf(publish).toBeFunction();
  expectTypeOf<Typed>().toExtend<Ringcast<any, any, any, Channels>>();
  expectTypeOf<DataOf<Channels, "chat:x">>().toEqualTypeOf<{ text: string; at?: number | undefined }>();
  expectTypeOf<DataOf<Channels, "chats">>().toBeUnknown();
  const schemas = new Schemas(channels);
  expect(schemas.of("chat:x")).toBe(channels["chat:*"]);
  expect(schemas.of("score:a:b")).toBe(channels["score:?:*"]);
  expect(schemas.of("lobby2")).toBeUndefined();
  expect(await problemOf(channels["chat:*"], { text: "t", at: 1 }, 60_000)).toBeUndefined();
  expect(await problemOf(channels["chat:*"], { text: 1 }, 60_000)).toMatchObject({
    kind: "wrong",
    detail: expect.stringMatching(/^data\.text: /),
  });
});
