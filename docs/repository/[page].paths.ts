import { readFileSync } from "node:fs";
import { REPOSITORY_PAGES } from "../.vitepress/pages.ts";

/** The pages of the site that are files outside docs/. */
export default {
  watch: Object.values(REPOSITORY_PAGES).map((file) => `../../${file}`),
  paths: () =>
    Object.entries(REPOSITORY_PAGES).map(([page, file]) => ({
      params: { page },
      content: readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"),
    })),
};
