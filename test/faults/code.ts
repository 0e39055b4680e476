import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "./record.ts";

/** The files that decide what a run does. */
const RUNS = ["src", "test/sim", "test/chaos", "package-lock.json"];

/** Folders of `src/` that no running cluster has in an object or a router. */
export const NOT_IN_A_CLUSTER: readonly string[] = ["cli", "client", "console", "react", "testing"];

/** The code that a run has run, as its row names it. */
export type Code = Pick<Run, "commit" | "srcTree" | "isClean" | "versions">;

export function readCode(root: string): Code {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const versionOf = (path: string): string =>
    (JSON.parse(readFileSync(join(root, path), "utf8")) as { version: string }).version;
  return {
    commit: git("rev-parse", "HEAD"),
    srcTree: hashOfCluster(git("ls-tree", "HEAD:src")),
    isClean: git("status", "--porcelain", "--", ...RUNS) === "",
    versions: {
      project: versionOf("package.json"),
      node: process.versions.node,
      workerd: versionOf("node_modules/workerd/package.json"),
    },
  };
}

/** The hash of what a cluster runs of `src/`; `listing`: as `git ls-tree HEAD:src` prints it, a line for each entry. */
export function hashOfCluster(listing: string): string {
  const ofCluster = listing
    .split("\n")
    .filter((line) => !NOT_IN_A_CLUSTER.includes(line.slice(line.indexOf("\t") + 1)));
  return createHash("sha1").update(ofCluster.join("\n")).digest("hex");
}

/** Whether a remote branch has the commit, so that a reader can check it out. */
export const isPublic = (root: string): boolean =>
  execFileSync("git", ["branch", "--remotes", "--contains", "HEAD"], { cwd: root, encoding: "utf8" }) !== "";

export const isSame = (one: Code, other: Code): boolean => JSON.stringify(one) === JSON.stringify(other);
