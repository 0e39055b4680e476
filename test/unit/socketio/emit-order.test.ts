import { expect, test } from "vitest";
import { EmitOrder } from "../../../src/socketio/emit-order.ts";

/** The emits of one client, to rooms of these names; each stays under way until it is ended. */
function startEmits() {
  const order = new EmitOrder();
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  return {
    begun,
    emit(name: string, rooms: readonly string[], joined: Promise<unknown> = Promise.resolve()): void {
      const work = (): Promise<void> => {
        begun.push(name);
        return new Promise((resolve, reject) =>
          ends.set(name, (error) => (error === undefined ? resolve() : reject(error))),
        );
      };
      const ended = (published: Promise<void>) => published.catch(() => undefined);
      order.run({ nsp: "/", rooms, except: [] }, { joined, work, ended }).catch(() => undefined);
    },
    async end(name: string, error?: Error): Promise<void> {
      ends.get(name)?.(error);
      await turn();
    },
  };
}

/** Every promise that can resolve has resolved. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const ID = "auto.auto-1~abcdefghijklmnopqrst";

test("[SO61] emits to the same rooms begin in order, and wait for none", async () => {
  const { begun, emit } = startEmits();
  for (const name of ["1", "2", "3"]) emit(name, ["red", "green"]);
  await turn();
  expect(begun).toEqual(["1", "2", "3"]);
});

test("[SO61] an emit to other rooms begins when those before it have ended, also with an error", async () => {
  const { begun, emit, end } = startEmits();
  emit("1", ["red"]);
  emit("2", ["red"]);
  emit("3", ["red", "green"]);
  emit("4", ["red", "green"]);
  emit("5", []);
  await turn();
  await end("2");
  expect(begun).toEqual(["1", "2"]);
  await end("1", new Error("no channel"));
  expect(begun).toEqual(["1", "2", "3", "4"]);
  await end("3");
  expect(begun).toEqual(["1", "2", "3", "4"]);
  await end("4");
  expect(begun).toEqual(["1", "2", "3", "4", "5"]);
});

test("[SO61] emits to the id of a socket go one at a time, as no channel keeps their order", async () => {
  const { begun, emit, end } = startEmits();
  emit("1", [ID]);
  emit("2", [ID]);
  await turn();
  expect(begun).toEqual(["1"]);
  await end("1");
  expect(begun).toEqual(["1", "2"]);
});

test("[SO61] an emit waits for the joins before it", async () => {
  const { begun, emit } = startEmits();
  let join = (): void => undefined;
  emit("1", ["red"], new Promise<void>((resolve) => (join = resolve)));
  emit("2", ["red"]);
  await turn();
  expect(begun).toEqual([]);
  join();
  await turn();
  expect(begun).toEqual(["1", "2"]);
});
