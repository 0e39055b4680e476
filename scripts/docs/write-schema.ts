// Writes the JSON schema of the settings into dist, for the package.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { settingsSchema } from "./settings-schema.ts";

const dist = join(import.meta.dirname, "../../dist");
mkdirSync(dist, { recursive: true });
writeFileSync(join(dist, "wrangler.schema.json"), `${JSON.stringify(settingsSchema(), undefined, 1)}\n`);
