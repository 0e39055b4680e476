// `node scripts/set-repository.mjs https://github.com/<owner>/<name>` writes the address of the public repository into the
// packages and into the READMEs of the templates, whose buttons deploy from there. Until then it is PLACEHOLDER there.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PLACEHOLDER = "https://github.com/OWNER/ringcast";
const [address = "", root = "."] = process.argv.slice(2);

// The button takes no other forge.
if (!/^https:\/\/(github|gitlab)\.com\/[\w.-]+\/[\w.-]+$/.test(address)) {
  console.error("error: give the address of a public repository, such as https://github.com/acme/ringcast");
  process.exit(1);
}
for (const directory of [undefined, "create"]) {
  const path = join(root, directory ?? "", "package.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  manifest.repository = { type: "git", url: `git+${address}.git`, directory };
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
for (const name of readdirSync(join(root, "templates"))) {
  const path = join(root, "templates", name, "README.md");
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(PLACEHOLDER, address));
}
