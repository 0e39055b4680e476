import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { dataOf, targetOf, withCommonOptions, type Common } from "../options.ts";

type Published = { readonly offset?: number; readonly epoch?: string };

export function addPublish(program: Command): void {
  withCommonOptions(program.command("publish").description("publish into a channel"))
    .argument("<channel>")
    .argument("<data>", "JSON, or a text")
    .option("--id <id>", "the idempotency key: the same key publishes once in five minutes")
    .action(async (channel: string, text: string, options: Common & { id?: string }) => {
      const { api, output } = targetOf(options);
      const { id = randomUUID() } = options;
      const params = { channel, data: dataOf(text), idempotency_key: id };
      const published = await api.command<Published>("publish", params);
      output.result(published, () =>
        published.offset === undefined || published.offset === 0
          ? "published; the channel keeps no history"
          : `published, offset ${published.offset}`,
      );
    });
}
