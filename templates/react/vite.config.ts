import { cpSync } from "node:fs";
import { cloudflare } from "@cloudflare/vite-plugin";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Ringcast's console, beside the page.
cpSync("node_modules/ringcast/dist/console", "public/realtime/console", { recursive: true });

export default defineConfig(({ command }) => ({
  // Vite does not minify a Worker unless it is told to: half the bytes, so that a new isolate starts sooner.
  build: { minify: true },
  plugins: [
    react(),
    // `vite` runs the Worker in workerd, and permits what is for this machine alone.
    cloudflare({
      config: command === "serve" ? { vars: { RINGCAST_OVERRIDES: { development: true } } } : {},
    }),
  ],
}));
