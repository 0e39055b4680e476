import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import type { Change } from "../../src/contracts/change.ts";
import { api, changeRing, Client, keysOf } from "./client.ts";
import { fetchWorker, LineClient } from "./line-client.ts";

export const keyOn = async (shardId: string): Promise<string> => (await keysOf(shardId, 1))[0] ?? "";

/** Connects a Centrifuge client whose token names the user. */
async function connectAs(user: string, key = user): Promise<Client> {
  const client = await Client.open(key, { fetcher: fetchWorker });
  const token = await new SignJWT({ sub: user })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));
  const reply = await client.ask({ connect: { token } });
  if (reply.error !== undefined) throw new Error(`error ${reply.error.code}`);
  return client;
}

/** One user with a client of each front, both on the shard that owns the user's name. */
export async function both(user: string): Promise<{ line: LineClient; stock: Client }> {
  return { line: await LineClient.connect(user, user), stock: await connectAs(user) };
}

/** A client of each front on one shard. */
export async function bothOn(shardId: string): Promise<{ key: string; line: LineClient; stock: Client }> {
  const key = await keyOn(shardId);
  return { key, ...(await both(key)) };
}

export async function change(wanted: Change) {
  const answer = await changeRing(wanted);
  if (answer.kind === "refused") throw new Error(answer.message);
  return answer.result;
}

export async function admin(path: string, method = "GET"): Promise<any> {
  const headers = { "x-api-key": env.API_KEY ?? "" };
  const request = new Request(`https://ringcast.test/admin/api${path}`, { method, headers });
  return (await fetchWorker(request)).json();
}

export const publish = (channel: string, data: unknown) => api("publish", { channel, data });
export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
