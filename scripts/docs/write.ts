/** `npm run docs:reference` writes docs/reference anew. A test fails where a file there is not what the code says. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { referencePages } from "./reference/pages.ts";

for (const [name, text] of Object.entries(referencePages()))
  writeFileSync(join(import.meta.dirname, "../../docs/reference", name), text);
