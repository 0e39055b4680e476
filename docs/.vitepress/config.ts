import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { llms } from "./llms.ts";
import { siteLinks } from "./site-links.ts";
import { slugOf } from "../../scripts/docs/slug.mjs";
import { nav, sidebar } from "./navigation.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The documentation site. Every page is plain Markdown whose relative links also work on a forge. */
export default defineConfig({
  lang: "en-GB",
  title: "Ringcast",
  description: "A WebSocket cluster on Cloudflare Workers and Durable Objects",
  outDir: "../dist/docs",
  cacheDir: "../node_modules/.cache/vitepress",
  rewrites: { "README.md": "index.md" },
  cleanUrls: true,
  // Addresses of the reader's own machine.
  ignoreDeadLinks: "localhostLinks",
  // A static site that loads nothing from other hosts.
  head: [
    ["link", { rel: "icon", href: "/favicon.svg", type: "image/svg+xml" }],
    ["meta", { name: "color-scheme", content: "light dark" }],
  ],
  markdown: {
    // As a forge makes them, so that one anchor works in both places.
    anchor: { slugify: slugOf },
    // A forge has no attributes in braces, and "/shards/{id}" is a heading.
    attrs: false,
    config: (md) => siteLinks(md, root),
    // Both have the contrast that code needs.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  vite: { server: { host: "127.0.0.1", fs: { allow: [root] } } },
  buildEnd: (site) => llms(site, root),
  themeConfig: {
    nav,
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
    footer: { message: "MIT licence" },
  },
});
