import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { SignJWT } from "jose";
import { CONTRACT } from "../../src/contracts/version.ts";
import { channelStub } from "../../src/platform/calls.ts";
import { Client, startOver } from "./client.ts";

afterEach(() => startOver());

type Sub = {
  readonly was_recovering?: true;
  readonly recovered?: true;
  readonly publications?: readonly object[];
};

test("[BD45] the resumes of one connect have together no more than one resume may have", async () => {
  const names = ["kept:one", "kept:two", "kept:three"];
  const body = JSON.stringify({ data: "x".repeat(400_000) });
  const subs: Record<string, object> = {};
  for (const name of names) {
    // The client lacks 2 MB of each channel, and 4 MB are one answer.
    for (let n = 0; n < 6; n++) {
      const { offset, logEpoch: epoch } = await channelStub(env, name).publish(
        { id: `${n}`, body },
        CONTRACT,
      );
      if (n === 0) subs[name] = { recover: true, offset, epoch };
    }
  }
  const secret = new TextEncoder().encode(env.TOKEN_HMAC_SECRET);
  const token = await new SignJWT({ sub: "ann", channels: names })
    .setProtectedHeader({ alg: "HS256" })
    .sign(secret);
  const client = await Client.open("ann");
  const { connect } = await client.ask({ connect: { token, subs } });
  const answers = (connect as { subs: Readonly<Record<string, Sub>> }).subs;
  const resumed = names.filter((name) => answers[name]?.recovered === true);
  expect(resumed).toHaveLength(2);
  for (const name of names) {
    const { was_recovering, publications = [] } = answers[name] ?? {};
    expect(was_recovering).toBe(true);
    expect(publications).toHaveLength(resumed.includes(name) ? 5 : 0);
  }
});
