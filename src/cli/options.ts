import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { InvalidArgumentError, Option, type Command } from "commander";
import { ClusterApi } from "./cluster-api.ts";
import { Failure } from "./failure.ts";
import { Output } from "./output.ts";

const LOCAL = "http://localhost:8787";

/** The options of every command. */
export type Common = { readonly url: string; readonly key?: string; readonly json?: boolean };

export function withCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option("-u, --url <url>", "the cluster, with its base path").env("RINGCAST_URL").default(LOCAL),
    )
    .addOption(
      new Option("-k, --key <key>", "its API_KEY; for a local cluster the one in .dev.vars").env(
        "RINGCAST_API_KEY",
      ),
    )
    .option("--json", "print JSON, for programs");
}

export type Target = {
  readonly api: ClusterApi;
  readonly output: Output;
  /** The secret of tokens of the cluster that runs from this folder, where the options name no key of another. */
  readonly localTokenSecret: string | undefined;
};

/** The cluster that the options name. Throws a {@link Failure} where they do not name one. */
export function targetOf({ url, key, json = false }: Common): Target {
  const address = addressOf(url);
  const secrets = key === undefined && isLocal(address) ? localSecrets() : {};
  const given = key ?? secrets["API_KEY"];
  if (given === undefined)
    throw new Failure(
      isLocal(address)
        ? "no key: run the command in the folder of the cluster, whose .dev.vars has one, or give --key"
        : "no key: give the cluster's API_KEY with --key, or in RINGCAST_API_KEY",
    );
  return {
    api: new ClusterApi(address, given),
    output: new Output({ json }),
    localTokenSecret: secrets["TOKEN_HMAC_SECRET"],
  };
}

/** The secrets of the cluster that runs from this folder. */
const localSecrets = (): Readonly<Record<string, string | undefined>> =>
  existsSync(".dev.vars") ? parseEnv(readFileSync(".dev.vars", "utf8")) : {};

const isLocal = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/u.test(url.protocol))
    throw new Failure(`${text} is not the address of a cluster: it begins with https:// or http://`);
  return url;
}

/** Reads a whole number of an option, within bounds. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least || number > most)
      throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
    return number;
  };

/** Reads JSON where the text is JSON, and else takes the text itself. */
export function dataOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
