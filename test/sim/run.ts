/** Replays one history, or runs many: `npm run sim -- --seed 7 --steps 60`, `npm run sim -- --histories 1000`. */
import { parseArgs } from "node:util";
import { growthOf } from "./growth.ts";
import { PLANTS } from "./plants.ts";
import { register } from "./register.ts";
import { TRAITS } from "./traits.ts";
import { ROLLOUT_KINDS } from "./rollout.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "60" },
    histories: { type: "string", default: "1" },
    plant: { type: "string" },
    releases: { type: "string" },
    traits: { type: "string" },
    years: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log("npm run sim -- [--seed 1] [--steps 60] [--histories 1] [--releases KIND] [--plant NAME]");
  console.log("One history prints what happened in it. Several print the seeds that broke a law.");
  console.log(
    `--releases: the releases in each history (${ROLLOUT_KINDS.join(", ")}). The default: by seed.`,
  );
  console.log(
    `--traits: what each history has besides its steps (${TRAITS.join(",")}). The default: by seed.`,
  );
  console.log(
    "--years N: a small cluster lives N years, and what it stores and does each day must stay level.",
  );
  console.log("--plant puts a slip into the code and stops at the first seed that breaks a law:");
  console.log(`  ${Object.keys(PLANTS).join(", ")}`);
  process.exit(0);
}
const plant = values.plant === undefined ? undefined : PLANTS[values.plant];
if (values.plant !== undefined && plant === undefined) {
  console.error(`unknown --plant ${values.plant}; known are ${Object.keys(PLANTS).join(", ")}`);
  process.exit(2);
}
const asked = values.releases;
const askedKind = ROLLOUT_KINDS.find((kind) => kind === asked);
if (askedKind === undefined && asked !== undefined) {
  console.error(`unknown --releases ${asked}; known are ${ROLLOUT_KINDS.join(", ")}`);
  process.exit(2);
}
const traits = values.traits?.split(",").map((name) => {
  const trait = TRAITS.find((one) => one === name);
  if (trait !== undefined || name === "") return trait;
  console.error(`unknown trait ${name}; known are ${TRAITS.join(", ")}`);
  process.exit(2);
});
/** A plant changes the present code, so a plant that names no releases needs the present release alone. */
const kind = askedKind ?? (plant === undefined ? undefined : (plant.releases ?? "none"));
const planted = register(plant);
if (values.years !== undefined) {
  const { liveYears } = await import("./years.ts");
  const quarters = [];
  for await (const quarter of liveYears(Number(values.seed), Number(values.years))) {
    quarters.push(quarter);
    const shown = Object.entries(quarter).map(([name, value]) => `${name} ${value.toFixed(1)}`);
    console.log(
      `year ${Math.ceil(quarters.length / 4)}, quarter ${((quarters.length - 1) % 4) + 1}: ${shown.join(", ")}`,
    );
  }
  const growth = growthOf(quarters);
  for (const line of growth) console.log(`grows: ${line}`);
  console.log(`${values.years} years, ${growth.length} measures grow`);
  process.exit(growth.length > 0 ? 1 : 0);
}
const { runHistory } = await import("./history.ts");
if (!planted.loaded()) throw new Error("the simulator does not run the file that the plant changes");

const [seed, steps, histories] = [Number(values.seed), Number(values.steps), Number(values.histories)];
let broken = 0;
let deliveries = 0;
let callsBetweenReleases = 0;
let guests = 0;
const scaled: Record<string, number> = { add: 0, step: 0, drain: 0, back: 0 };
for (let n = seed; n < seed + histories; n++) {
  const { violations, trace, ...counts } = await runHistory(n, steps, {
    trace: histories === 1,
    releases: kind,
    traits: traits?.filter((trait) => trait !== undefined),
  });
  deliveries += counts.deliveries;
  callsBetweenReleases += counts.callsBetweenReleases;
  guests += counts.guests;
  for (const done of counts.scaled) scaled[done] = (scaled[done] ?? 0) + 1;
  for (const line of trace) console.log(line);
  if (histories === 1) console.log(counts);
  if (violations.length === 0) continue;
  broken += 1;
  console.log(`seed ${n}: ${violations.join("; ")}`);
  const replay = `npm run sim -- --seed ${n} --steps ${steps} --releases ${counts.releases}${values.traits === undefined ? "" : ` --traits ${values.traits}`}`;
  console.log(`  ${replay}${values.plant === undefined ? "" : ` --plant ${values.plant}`}`);
  if (plant !== undefined) break;
}
console.log(`${callsBetweenReleases} calls between objects of two releases`);
const changes = Object.entries(scaled).map(([done, count]) => `${count} ${done}`);
console.log(`the policy changed the ring: ${changes.join(", ")}; ${guests} guests in the end`);
console.log(`${histories} histories of ${steps} steps, ${deliveries} deliveries, ${broken} broke a law`);
process.exitCode = broken > 0 ? 1 : 0;
