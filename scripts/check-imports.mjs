// The tree is the architecture: who may import whom, and what the pure folders may not know.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PURE = ["contracts", "policy", "ring"];
/** A folder of src may import these, and itself; "type:" where only types may cross. */
const MAY_IMPORT = {
  ring: [],
  config: [],
  version: [],
  policy: ["config", "contracts", "type:centrifuge"],
  contracts: ["ring", "type:policy", "type:centrifuge", "type:log"],
  tokens: ["config"],
  platform: ["config", "contracts", "ring", "type:shard", "type:channel", "type:coordinator"],
  fanout: ["contracts", "platform"],
  log: ["config", "contracts", "fanout", "platform"],
  hooks: ["config", "platform", "centrifuge", "type:ring"],
  events: ["config", "hooks", "platform", "type:ring"],
  centrifuge: ["config", "contracts", "hooks", "platform", "policy", "shard", "tokens", "version"],
  channel: ["config", "contracts", "events", "log", "hooks", "platform", "policy"],
  shard: [
    "config",
    "contracts",
    "events",
    "fanout",
    "hooks",
    "log",
    "platform",
    "policy",
    "ring",
    "tokens",
    "version",
    "centrifuge",
  ],
  coordinator: ["config", "contracts", "events", "fanout", "hooks", "log", "platform", "ring"],
  router: [
    "config",
    "centrifuge",
    "contracts",
    "hooks",
    "platform",
    "policy",
    "ring",
    "tokens",
    "version",
    "type:coordinator",
  ],
  // What runs in the page runs without a platform; `model` also without a browser.
  console: ["ring", "contracts", "type:config"],
  ringcast: ["channel", "coordinator", "router", "shard", "env", "type:hooks"],
  index: ["ringcast"],
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
