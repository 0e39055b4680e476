import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";

const PACKAGES = ["workerd", "partyserver", "socket.io", "ws", "hashring"];

/** The machine and the versions that a figure depends on, without a name of the machine. */
export function describeMachine(): string {
  const root = createRequire(import.meta.url).resolve("../../package.json");
  const lock = JSON.parse(readFileSync(root.replace(/package\.json$/, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string }>;
  };
  const versions = PACKAGES.map((name) => `${name} ${lock.packages[`node_modules/${name}`]?.version ?? "?"}`);
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores, ${memory} GB; Node ${process.versions.node}, ${versions.join(", ")}`;
}
