// Checks the architecture in the tree: the allowed imports between folders, no circle of imports, no clock in a pure
// folder, and no file above a length.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const MOST_LINES = 300;
/** A pure folder or file uses no clock, chance, timer or platform. */
const PURE = [
  "config",
  "contracts",
  "elastic",
  "policy",
  "ring",
  join("console", "model"),
  join("log", "recovery.ts"),
  join("socketio", "engine.ts"),
  join("socketio", "packets.ts"),
  join("shard", "moves", "admission.ts"),
  join("shard", "moves", "pace.ts"),
  join("shard", "subscriptions", "heard.ts"),
  join("shard", "subscriptions", "resume.ts"),
  join("coordinator", "plan-change.ts"),
  join("fanout", "tree.ts"),
];
/** The folders that a folder of src may import besides itself. "type:" permits only types. */
const MAY_IMPORT = {
  ring: [],
  elastic: ["type:contracts"],
  config: [],
  version: [],
  contracts: ["ring"],
  policy: ["config", "contracts"],
  platform: ["config", "contracts", "policy", "ring", "type:shard", "type:channel", "type:coordinator"],
  tokens: ["config", "platform"],
  // Any schema library of the deployment.
  typed: ["platform", "policy"],
  hooks: ["config", "contracts", "platform", "type:ring"],
  events: ["config", "hooks", "platform", "type:ring"],
  fanout: ["contracts", "platform"],
  log: ["config", "contracts", "fanout", "platform"],
  // The shard imports no client protocol: a front imports the shard, and ringcast.ts joins the two (SPEC FR1).
  shard: [
    "config",
    "contracts",
    "elastic",
    "events",
    "fanout",
    "hooks",
    "log",
    "platform",
    "policy",
    "ring",
    "tokens",
  ],
  centrifuge: ["typed", "config", "contracts", "hooks", "platform", "policy", "shard", "tokens", "version"],
  socketio: ["config", "contracts", "fanout", "hooks", "platform", "policy", "shard", "version"],
  channel: ["config", "contracts", "events", "hooks", "log", "platform", "policy"],
  coordinator: ["config", "contracts", "elastic", "events", "fanout", "hooks", "log", "platform", "ring"],
  router: [
    "typed",
    "centrifuge",
    "socketio",
    "config",
    "contracts",
    "hooks",
    "platform",
    "policy",
    "ring",
    "tokens",
    "version",
  ],
  // The deployment's own code runs the commands of the HTTP API.
  server: ["type:typed", "config", "platform", "policy", "router", "tokens"],
  // The page runs without the platform.
  console: ["contracts", "elastic", "ring", "type:config"],
  // The command runs in Node, on a machine of its user.
  client: ["type:typed"],
  react: ["type:client", "type:typed"],
  testing: ["client"],
  cli: ["config", "contracts", "elastic", "ring", "version"],
  ringcast: [
    "typed",
    "centrifuge",
    "socketio",
    "channel",
    "coordinator",
    "platform",
    "router",
    "server",
    "shard",
    "env",
    "type:hooks",
    "type:config",
  ],
  index: ["ringcast"],
  local: ["ringcast"],
  env: ["type:shard", "type:channel", "type:coordinator"],
};
/** These files take the types of namespaces from the classes behind them. Other files may not import each other. */
const TYPED_BY_CLASSES = ["env.ts", join("platform", "fronts.ts")];
const BANNED_IN_PURE =
  /\b(Date\.now|new Date\(|Math\.random|setTimeout|setInterval|crypto\.|process\.|fetch\()/;

const problems = [];
const imports = new Map();
for (const file of readdirSync("src", { recursive: true })) {
  if (!/\.(tsx?|css)$/.test(file)) continue;
  const text = readFileSync(join("src", file), "utf8");
  const lines = text.split("\n").length - 1;
  if (lines > MOST_LINES) problems.push(`${file} has ${lines} lines; the limit is ${MOST_LINES}`);
  if (file.endsWith(".css")) continue;
  checkFile(file, text);
}
for (const circle of findCircles()) problems.push(`a circle of imports: ${circle.join(" -> ")}`);
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "all imports follow the rules" : `${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);

function checkFile(file, text) {
  const part = partOf(file);
  if (PURE.some((pure) => file === pure || file.startsWith(`${pure}/`)) && BANNED_IN_PURE.test(text))
    problems.push(`${file}: a pure file must not use a clock, chance or the platform`);
  const targets = [];
  for (const [, type, from] of text.matchAll(/^(?:import|export)( type)?[^;]*? from "(\.[^"]+)";/gm)) {
    const path = join(dirname(file), from);
    if (!(type !== undefined && TYPED_BY_CLASSES.includes(file))) targets.push(path);
    const target = partOf(path);
    if (target === part) continue;
    const allowed = MAY_IMPORT[part] ?? [];
    if (allowed.includes(target) || (type !== undefined && allowed.includes(`type:${target}`))) continue;
    problems.push(`${file} must not import ${from}`);
  }
  imports.set(file, targets);
}

/** Finds each circle once, from its first file by name. Imports of types count, because a reader follows them too. */
function findCircles() {
  const circles = new Map();
  const done = new Set();
  const visit = (file, path) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      const circle = path.slice(at);
      circles.set(circle.toSorted().join(), [...circle, file]);
      return;
    }
    if (done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of [...imports.keys()].toSorted()) visit(file, []);
  return circles.values();
}

function partOf(path) {
  const [first] = path.split("/");
  return first.replace(/(\.d)?\.tsx?$/, "");
}
