import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { inject } from "vitest";
import manifest from "../../package.json" with { type: "json" };

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

export type Packed = {
  /** The path of the tarball. */
  readonly tarball: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
};

/**
 * The tarball of this package, or of the package in a folder of the repository. It is made once in a run of the tests: the
 * first file that asks for it makes it, and the others wait.
 */
export async function packed(folder = ""): Promise<Packed> {
  const directory = join(inject("packs"), folder === "" ? "ringcast" : folder);
  const answer = join(directory, "packed.json");
  if (isFirst(directory)) {
    const made = await pack(join(root, folder), directory).catch((error: unknown) => ({
      error: String(error),
    }));
    writeFileSync(`${answer}.new`, JSON.stringify(made));
    renameSync(`${answer}.new`, answer);
  }
  while (!existsSync(answer)) await setTimeout(100);
  const { error, ...found } = JSON.parse(readFileSync(answer, "utf8"));
  if (error !== undefined) throw new Error(error);
  return found as Packed;
}

/** One caller makes the folder, in whichever process it is. */
function isFirst(directory: string): boolean {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

/** Gives a project the package, and the development dependencies of this repository, without a registry. */
export async function linkModules(project: string): Promise<void> {
  const { tarball } = await packed();
  const modules = join(project, "node_modules");
  const installed = join(modules, "ringcast");
  mkdirSync(installed, { recursive: true });
  await run("tar", ["xzf", tarball, "-C", installed, "--strip-components=1"]);
  for (const name of readdirSync(join(root, "node_modules")).filter((one) => !one.startsWith(".")))
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  const bin = join(modules, ".bin");
  mkdirSync(bin);
  for (const name of readdirSync(join(root, "node_modules/.bin")))
    symlinkSync(join(root, "node_modules/.bin", name), join(bin, name));
  const command = join(installed, manifest.bin.ringcast);
  chmodSync(command, 0o755);
  symlinkSync(command, join(bin, "ringcast"));
}

async function pack(folder: string, directory: string): Promise<Packed> {
  const args = ["pack", "--json", "--pack-destination", directory];
  const { stdout } = await run("npm", args, { cwd: folder });
  // The scripts of the package print before.
  const [{ filename, unpackedSize, files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  return { tarball: join(directory, filename), unpackedSize, files };
}
