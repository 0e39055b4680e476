import { join } from "node:path";
import { defineConfig } from "vite";

/** The operator's page: static files that the Worker's assets serve. `scripts/build-console.mjs` runs this. */
export default defineConfig({
  root: import.meta.dirname,
  // A deployment may have a page of its own, and this one in a folder beside it.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: join(import.meta.dirname, "../../dist/console"),
    emptyOutDir: true,
    target: "es2022",
    // The content security policy knows no `data:` for scripts and styles, and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
  },
});
