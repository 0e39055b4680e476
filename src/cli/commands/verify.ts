import { createInterface } from "node:readline/promises";
import { Option, type Command } from "commander";
import { Clients } from "../clients.ts";
import { Failure } from "../failure.ts";
import { targetOf, wholeNumber, withCommonOptions, type Common } from "../options.ts";
import { pageOf } from "../verify/findings.ts";
import { runTrial } from "../verify/trial.ts";

type Options = Common & {
  readonly clients: number;
  readonly channels: number;
  readonly seconds: number;
  readonly namespace: string;
  readonly tokenSecret?: string;
  readonly yes?: boolean;
  readonly ring: boolean;
};

const ABOUT = `
Stock clients connect, listen and publish. Connections are cut, and with your consent a shard is added and drained
again. In the end each client must have heard each publication once and in order: the exit status is 0 if so, 1 if
not, and 2 where the trial could not be made. The channels of the trial have names of their own, and their history
is removed afterwards.`;

export function addVerify(program: Command): void {
  withCommonOptions(
    program
      .command("verify")
      .description("check on a cluster that nothing is lost, repeated or out of order")
      .argument("[url]", "the cluster, as with --url"),
  )
    .option("--clients <number>", "listening clients", wholeNumber(1, 1_000), 30)
    .option("--channels <number>", "channels", wholeNumber(1, 100), 6)
    .option(
      "--seconds <number>",
      "length of a calm part; the whole takes about six of them",
      wholeNumber(1, 600),
      5,
    )
    .option("--namespace <name>", "the namespace of the channels", "")
    .addOption(
      new Option(
        "--token-secret <secret>",
        "TOKEN_HMAC_SECRET of the cluster: the clients are users, and publish",
      ).env("RINGCAST_TOKEN_SECRET"),
    )
    .option("-y, --yes", "add and drain a shard without a question")
    .option("--no-ring", "leave the ring as it is")
    .addHelpText("after", ABOUT)
    .action(async (url: string | undefined, options: Options) => {
      const { api, output, localTokenSecret } = targetOf({ ...options, url: url ?? options.url });
      const secret = options.tokenSecret ?? localTokenSecret;
      const clients = new Clients(api, secret);
      const changesRing = options.ring && (options.yes === true || (await consents()));
      const interrupted = new AbortController();
      const interrupt = (): void => {
        output.step("The trial ends, and gives back what it has taken; a second Ctrl-C ends it at once");
        interrupted.abort(new Failure("the trial was ended; the ring is as before"));
      };
      process.once("SIGINT", interrupt).once("SIGTERM", interrupt).once("SIGHUP", interrupt);
      const { signal } = interrupted;
      const findings = await runTrial({ api, clients, output }, { ...options, changesRing, signal });
      output.result(findings, () => pageOf(findings));
      if (!findings.ok) process.exitCode = 1;
    });
}

/** Nobody can be asked in a script: there the ring stays as it is, and the page says so. */
async function consents(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = "May the trial add a shard to the cluster and drain it again? [y/N] ";
  // Ctrl-C.
  const answer = await terminal.question(question).catch(() => {
    throw new Failure("the trial was not begun");
  });
  terminal.close();
  return /^y(es)?$/iu.test(answer.trim());
}
