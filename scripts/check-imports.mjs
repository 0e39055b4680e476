// The tree is the architecture: who may import whom, and what the pure folders may not know.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PURE = ["fanout", "protocol", "ring"];
/** A folder of src may import these, and itself; "type:" where only types may cross. */
const MAY_IMPORT = {
  fanout: [],
  ring: [],
  protocol: ["ring", "config"],
  config: [],
  tokens: ["config"],
  platform: ["config", "fanout", "protocol", "ring", "type:shard", "type:channel", "type:coordinator"],
  feed: ["config", "fanout", "platform", "protocol"],
  hooks: ["config", "platform", "protocol", "type:ring"],
  channel: ["config", "feed", "hooks", "platform", "protocol"],
  shard: ["config", "hooks", "platform", "protocol", "ring", "tokens", "version"],
  coordinator: ["config", "feed", "hooks", "platform", "protocol", "ring"],
  router: ["config", "hooks", "platform", "protocol", "ring", "tokens", "version", "type:coordinator"],
  // What runs in the page runs without a platform; `model` also without a browser.
  console: ["ring", "fanout", "protocol", "type:config"],
  ringcast: ["channel", "coordinator", "router", "shard", "env", "type:hooks"],
  index: ["ringcast"],
  version: [],
  env: ["type:shard", "type:channel", "type:coordinator"],
};
const BANNED_IN_PURE =
  /\b(Date\.now|new Date\(|Math\.random|setTimeout|setInterval|crypto\.|process\.|fetch\()/;

const problems = [];
for (const file of readdirSync("src", { recursive: true }).filter((name) => /\.tsx?$/.test(name))) {
  const text = readFileSync(join("src", file), "utf8");
  const part = partOf(file);
  if ((PURE.includes(part) || file.startsWith(join("console", "model"))) && BANNED_IN_PURE.test(text))
    problems.push(`${file}: a pure folder knows no clock, chance or platform`);
  for (const [, type, from] of text.matchAll(/^(?:import|export)( type)?[^;]*? from "(\.[^"]+)";/gm)) {
    const target = partOf(join(dirname(file), from));
    if (target === part) continue;
    const allowed = MAY_IMPORT[part] ?? [];
    if (allowed.includes(target) || (type !== undefined && allowed.includes(`type:${target}`))) continue;
    problems.push(`${file} must not import ${from}`);
  }
}
for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? "imports point one way" : `${problems.length} imports point the wrong way`,
);
process.exit(problems.length === 0 ? 0 : 1);

function partOf(path) {
  const [first] = path.split("/");
  return first.replace(/(\.d)?\.tsx?$/, "");
}
