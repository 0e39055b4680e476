import { expect, test } from "vitest";
import { refusalText } from "../../../src/console/model/refusal-text.ts";

test("[OP15] a refused subscription has a sentence, its code, and a reason where the message has none", () => {
  expect(refusalText("x:1", { code: 102, message: "unknown channel" })).toBe(
    "x:1 cannot be watched: unknown channel, no namespace of the configuration has a channel of this name (code 102).",
  );
  expect(refusalText("x", { code: 109, message: "token expired" })).toBe(
    "x cannot be watched: token expired (code 109).",
  );
});
