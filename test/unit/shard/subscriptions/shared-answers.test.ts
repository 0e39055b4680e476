import { expect, test } from "vitest";
import { SharedAnswers } from "../../../../src/shard/subscriptions/shared-answers.ts";

function setUp(bytes = 1) {
  const asked: string[] = [];
  const answers = new SharedAnswers<string>(1_000, () => bytes);
  const ask = (channel: string, now: number): Promise<string> =>
    answers.ask(channel, now, async () => {
      asked.push(channel);
      return `${channel} at ${now}`;
    });
  return { ask, asked, answers };
}

test("[SE1] all that ask within a moment share one question, and the next moment asks again", async () => {
  const { ask, asked } = setUp();
  expect(await Promise.all([ask("a", 0), ask("a", 999), ask("b", 999)])).toEqual([
    "a at 0",
    "a at 0",
    "b at 999",
  ]);
  expect(await ask("a", 1_000)).toBe("a at 1000");
  expect(await ask("b", 1_000)).toBe("b at 999");
  expect(asked).toEqual(["a", "b", "a"]);
});

test("[SE1] a question that failed is asked again at once", async () => {
  const { ask, answers } = setUp();
  const failing = answers.ask("a", 0, () => Promise.reject(new Error("gone")));
  await expect(failing).rejects.toThrow("gone");
  expect(await ask("a", 1)).toBe("a at 1");
});

test("[BD64] answers are kept up to a number and up to a number of bytes, the newest ones", async () => {
  const many = setUp();
  for (let n = 0; n < 1_500; n++) await many.ask(`room-${n}`, 0);
  await many.ask("room-0", 1);
  await many.ask("room-1499", 1);
  expect(many.asked).toHaveLength(1_501);
  const large = setUp(1_500_000);
  for (const channel of ["a", "b", "c", "c", "b", "a"]) await large.ask(channel, 0);
  expect(large.asked).toEqual(["a", "b", "c", "a"]);
  const tooLarge = setUp(5_000_000);
  for (const channel of ["a", "a"]) await tooLarge.ask(channel, 0);
  expect(tooLarge.asked).toEqual(["a", "a"]);
});
