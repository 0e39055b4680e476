/** Replays one history, or runs many: `npm run sim -- --seed 7 --steps 60`, `npm run sim -- --histories 1000`. */
import { parseArgs } from "node:util";
import { PLANTS } from "./plants.ts";
import { register } from "./register.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "60" },
    histories: { type: "string", default: "1" },
    plant: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log("npm run sim -- [--seed 1] [--steps 60] [--histories 1] [--plant NAME]");
  console.log("One history prints what happened in it. Several print the seeds that broke a law.");
  console.log(`--plant puts a slip into the code and stops at the first seed that it breaks a law with:`);
  console.log(`  ${Object.keys(PLANTS).join(", ")}`);
  process.exit(0);
}
const plant = values.plant === undefined ? undefined : PLANTS[values.plant];
if (values.plant !== undefined && plant === undefined) {
  console.error(`there is no plant ${values.plant}; there are ${Object.keys(PLANTS).join(", ")}`);
  process.exit(2);
}
register(plant);
const { runHistory } = await import("./history.ts");

const [seed, steps, histories] = [Number(values.seed), Number(values.steps), Number(values.histories)];
let broken = 0;
let deliveries = 0;
for (let n = seed; n < seed + histories; n++) {
  const { violations, trace, ...counts } = await runHistory(n, steps, { trace: histories === 1 });
  deliveries += counts.deliveries;
  for (const line of trace) console.log(line);
  if (histories === 1) console.log(counts);
  if (violations.length === 0) continue;
  broken += 1;
  console.log(`seed ${n}: ${violations.join("; ")}\n  npm run sim -- --seed ${n} --steps ${steps}`);
  if (plant !== undefined) break;
}
console.log(`${histories} histories of ${steps} steps, ${deliveries} deliveries, ${broken} broke a law`);
process.exitCode = broken > 0 ? 1 : 0;
