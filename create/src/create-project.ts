import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const root = join(import.meta.dirname, "..");
const templates = join(root, "templates");

/** The project cannot be made; the message says to the user why. */
export class CreateError extends Error {
  override readonly name = "CreateError";
}

export type ProjectOptions = { readonly directory: string; readonly template: string };

/**
 * Copies a template into a new or an empty folder, with the name of the folder, the release of ringcast that this package
 * belongs to, and new secrets (SPEC PK22). Throws {@link CreateError}, and has written nothing then.
 */
export function createProject({ directory, template }: ProjectOptions): void {
  const project = resolve(directory);
  const name = parseName(basename(project));
  requireEmpty(project);
  mkdirSync(project, { recursive: true });
  cpSync(join(templates, template), project, { recursive: true });
  renameSync(join(project, "gitignore"), join(project, ".gitignore"));
  for (const file of textFiles(project))
    writeFileSync(file, rename(readFileSync(file, "utf8"), { template, name }));
  setRelease(join(project, "package.json"));
  writeFileSync(
    join(project, ".dev.vars"),
    withNewSecrets(readFileSync(join(project, ".dev.vars.example"), "utf8")),
    { mode: 0o600 },
  );
}

/** The name is that of the Worker too, and so a part of its address. */
function parseName(name: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,52}[a-z0-9])?$/.test(name)) return name;
  throw new CreateError(
    `the folder's name is the name of the Worker, so it has up to 54 small letters, digits and dashes, as in "my-chat"; "${name}" has not`,
  );
}

/** A repository without files is empty. */
function requireEmpty(project: string): void {
  if (!existsSync(project)) return;
  const [first] = readdirSync(project).filter((file) => file !== ".git");
  if (first !== undefined)
    throw new CreateError(`the folder ${project} is not empty: it has ${first}; name a new folder`);
}

const textFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** A template is named `ringcast-<template>`, and `ringcast_<template>` in the names of folders that Vite makes. */
function rename(
  text: string,
  { template, name }: { readonly template: string; readonly name: string },
): string {
  return (
    text
      .replaceAll(`ringcast-${template}`, name)
      .replaceAll(`ringcast_${template}`, name.replaceAll("-", "_"))
      // The button deploys the template, and not this project.
      .replace(/<!-- button -->[^]*<!-- \/button -->\n\n/, "")
  );
}

function setRelease(path: string): void {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  manifest.dependencies.ringcast = version;
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Secrets for this machine. A deployment gets its own, with `wrangler secret put`. */
function withNewSecrets(example: string): string {
  const names = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
  return names.map((name) => `${name}=${randomBytes(32).toString("hex")}\n`).join("");
}
