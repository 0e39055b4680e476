import { runInDurableObject } from "cloudflare:test";
import { Client, keysOf, shardObject } from "./client.ts";

/** Clients that are connected to one shard. */
export async function connectOn(shard: string, count = 1): Promise<Client[]> {
  const keys = await keysOf(shard, count);
  return Promise.all(keys.map((key) => Client.connect(key)));
}

export const connectOne = async (shard: string): Promise<Client> => (await connectOn(shard))[0] as Client;

/** The id that the server has given to a client. */
export function idOf(client: Client): string {
  const reply = client.lines.find((line) => line["connect"] !== undefined);
  return (reply?.["connect"] as { client: string } | undefined)?.client ?? "";
}

/** The number of rows of a table of `auto-1`. */
export const rowsOf = (table: string): Promise<number> =>
  runInDurableObject(
    shardObject("auto-1"),
    (_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
  );
