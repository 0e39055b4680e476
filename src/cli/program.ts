import { Command } from "commander";
import { PRODUCT_VERSION } from "../version.ts";
import { addCheck } from "./commands/check.ts";
import { addExplain } from "./commands/explain.ts";
import { addLoad } from "./commands/load.ts";
import { addPublish } from "./commands/publish.ts";
import { addShards } from "./commands/shards.ts";
import { addStatus } from "./commands/status.ts";
import { addSubscribe } from "./commands/subscribe.ts";
import { addVerify } from "./commands/verify.ts";

/** The command line. The exit status is 0 where all went well, 1 where `verify` or `check` found a fault, and 2 after an error. */
export function createProgram(): Command {
  const program = new Command("ringcast")
    .description("Watch, change and check a Ringcast cluster.")
    .version(PRODUCT_VERSION)
    .showHelpAfterError("(ringcast --help lists the commands)")
    .exitOverride();
  addCheck(program);
  addVerify(program);
  addStatus(program);
  addShards(program);
  addExplain(program);
  addPublish(program);
  addSubscribe(program);
  addLoad(program);
  return program;
}
