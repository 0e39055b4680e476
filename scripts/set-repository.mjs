// `node scripts/set-repository.mjs https://github.com/<owner>/<name>` writes the address of the public repository into the
// READMEs of the templates, whose buttons deploy from there. Until then the address is PLACEHOLDER.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PLACEHOLDER = "https://github.com/OWNER/ringcast";
const [address = "", folder = "templates"] = process.argv.slice(2);

// The button takes no other forge.
if (!/^https:\/\/(github|gitlab)\.com\/[\w.-]+\/[\w.-]+$/.test(address)) {
  console.error("error: give the address of a public repository, such as https://github.com/acme/ringcast");
  process.exit(1);
}
for (const name of readdirSync(folder)) {
  const path = join(folder, name, "README.md");
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(PLACEHOLDER, address));
}
