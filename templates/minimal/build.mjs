// Builds the page into public/, and copies Ringcast's console beside it.
import { cpSync } from "node:fs";
import { build } from "esbuild";

await build({ entryPoints: ["page/page.ts"], bundle: true, format: "esm", minify: true, outdir: "public" });
cpSync("node_modules/ringcast/dist/console", "public/realtime/console", { recursive: true });
