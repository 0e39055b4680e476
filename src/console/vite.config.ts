import { join } from "node:path";
import { defineConfig } from "vite";

/** The operator's page: static files that the Worker's assets serve. `scripts/build-console.mjs` runs this. */
export default defineConfig({
  root: import.meta.dirname,
  // Relative addresses: a deployment may serve this page from a folder, beside a page of its own.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: join(import.meta.dirname, "../../dist/console"),
    emptyOutDir: true,
    target: "es2022",
    // The content security policy forbids inline scripts, and `data:` addresses of scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
  },
});
