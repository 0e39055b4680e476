import type { Command } from "commander";
import { Clients } from "../clients.ts";
import { Failure } from "../failure.ts";
import { targetOf, wholeNumber, withCommonOptions, type Common } from "../options.ts";

type Options = Common & { readonly limit?: number; readonly history?: number };

export function addSubscribe(program: Command): void {
  withCommonOptions(
    program.command("subscribe").description("show what is published in a channel, as it comes"),
  )
    .argument("<channel>")
    .option("-n, --limit <number>", "end after so many publications", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action((channel: string, options: Options) => tail(channel, options));
}

/** Listens as an operator, whom the channel's members do not see. Ends by a signal, or after `limit` publications. */
async function tail(channel: string, options: Options): Promise<void> {
  const { api, output } = targetOf(options);
  // An error in the address or the key is told at once, and not by a client that tries for ever.
  await api.state();
  const client = new Clients(api, undefined).create(`tail-${process.pid}`);
  const ended = Promise.withResolvers<void>();
  const subscription = client.newSubscription(channel);
  let seen = 0;
  subscription.on("subscribed", () => output.step(`listening to ${channel}; Ctrl-C ends`));
  subscription.on("publication", ({ data, offset, info, tags }) => {
    output.line({ channel, offset, data: data as unknown, info, tags }, () => JSON.stringify(data));
    seen += 1;
    if (seen === options.limit) ended.resolve();
  });
  subscription.on("unsubscribed", () => ended.reject(new Failure(client.trouble)));
  client.centrifuge.on("disconnected", () => ended.reject(new Failure(client.trouble)));
  const stop = (): void => ended.resolve();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  // Nobody reads on.
  process.stdout.once("error", stop);
  subscription.subscribe();
  client.centrifuge.connect();
  try {
    await ended.promise;
  } finally {
    ended.promise.catch(() => undefined);
    client.close();
  }
}
