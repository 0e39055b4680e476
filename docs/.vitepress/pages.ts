/** Files outside docs/ that the site shows, by the name of their page. */
export const REPOSITORY_PAGES: Readonly<Record<string, string>> = {
  laws: "SPEC.md",
  changelog: "CHANGELOG.md",
  contributing: "CONTRIBUTING.md",
  security: "SECURITY.md",
  benchmarks: "bench/README.md",
};

/** The page of the site that shows a file of the repository; undefined where none does. */
export function pageOf(file: string): string | undefined {
  if (file === "README.md" || file === "docs/README.md" || file === "docs") return "/";
  const [name] = Object.entries(REPOSITORY_PAGES).find(([, one]) => one === file) ?? [];
  if (name !== undefined) return `/repository/${name}`;
  if (!file.startsWith("docs/") || !file.endsWith(".md")) return undefined;
  return `/${file.slice("docs/".length, -".md".length)}`;
}

/** The file of the repository that a page of the site is made of. */
export function fileOf(page: string): string {
  const name = /^repository\/(.+)\.md$/.exec(page)?.[1];
  const file = name === undefined ? undefined : REPOSITORY_PAGES[name];
  return file ?? `docs/${page === "index.md" ? "README.md" : page}`;
}
