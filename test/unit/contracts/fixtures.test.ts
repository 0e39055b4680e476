import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { CONTRACT } from "../../../src/contracts/version.ts";
import type { Json } from "../../fixtures/encode.ts";
import { folderOf, readFixtures, shapeOf, type Fixtures } from "../../fixtures/fixtures.ts";
import { compareShapes } from "../../fixtures/shape.ts";
import type { Finding } from "../../fixtures/read.ts";

/** The simulator replaces the time of a whole process, so each run has a process of its own. */
async function run(script: string, argument: string): Promise<unknown> {
  const command = ["--disable-warning=ExperimentalWarning", `test/fixtures/${script}`, argument];
  // Most of the time of a run is the reading of types out of the code, which Node can remember.
  const env = { ...process.env, NODE_COMPILE_CACHE: "node_modules/.cache/node" };
  const { stdout } = await promisify(execFile)(process.execPath, command, { env, maxBuffer: 2 ** 28 });
  return JSON.parse(stdout);
}

const CONTRACTS = Array.from({ length: CONTRACT }, (_, n) => n + 1);
const recorded = CONTRACTS.filter((contract) => existsSync(folderOf(contract)));
const [present, ...findings] = await Promise.all([
  run("record.ts", "--print") as Promise<Fixtures>,
  ...recorded.map(async (contract) =>
    ((await run("read.ts", String(contract))) as Finding[]).map((finding) => ({ contract, ...finding })),
  ),
]);

const WHAT_TO_DO = `
A shape changes with a new contract only (SPEC CT2). If contract ${CONTRACT} is released:
  1. raise CONTRACT in src/contracts/version.ts, and leave test/fixtures/contract-${CONTRACT} as it is;
  2. let a caller of contract ${CONTRACT} have its answers in its own shapes;
  3. record the fixtures of the new contract: node test/fixtures/record.ts
If contract ${CONTRACT} is not released yet, record its fixtures again: node test/fixtures/record.ts
A shape that is missing may also be one that test/fixtures/scenario.ts brings about no more.`;

/** The shapes that are not the released ones, and what to do; empty where all are the same. */
function changesIn(released: Fixtures, now: Fixtures): string {
  const differences = compareShapes(shapeOf(released), shapeOf(now));
  if (differences.length === 0) return "";
  return `The shapes of contract ${CONTRACT} have changed:\n  ${differences.join("\n  ")}\n${WHAT_TO_DO}`;
}

describe("[CT2] fixtures of the contracts", () => {
  test("every contract has fixtures", () => {
    expect(recorded, "record them: node test/fixtures/record.ts").toEqual(CONTRACTS);
  });

  test("today's code says and stores the shapes of its contract", () => {
    expect(changesIn(readFixtures(CONTRACT), present)).toBe("");
  });

  test.each(findings.flat())("of contract $contract: $name", ({ error }) => {
    expect(error).toBeNull();
  });
});

type Plant = {
  readonly name: string;
  readonly change: (fixtures: Fixtures) => Fixtures;
  readonly found: string;
};

/** Changes the examples in which `isMeant` finds what it looks for. */
const changeCalls =
  (method: string, change: (call: Fixtures["calls"][number]) => object) =>
  (fixtures: Fixtures): Fixtures => ({
    ...fixtures,
    calls: fixtures.calls.map((call) => (call.method === method ? { ...call, ...change(call) } : call)),
  });

const fieldsOf = (value: Json | undefined): Readonly<Record<string, Json>> =>
  value as Readonly<Record<string, Json>>;

const renamed = (value: Json | undefined, from: string, to: string): Json =>
  Object.fromEntries(
    Object.entries(fieldsOf(value)).map(([field, inner]) => [field === from ? to : field, inner]),
  );

const changeObjects = (
  fixtures: Fixtures,
  change: (object: Fixtures["storage"]["objects"][string]) => Fixtures["storage"]["objects"][string],
): Fixtures => ({
  ...fixtures,
  storage: {
    ...fixtures.storage,
    objects: Object.fromEntries(
      Object.entries(fixtures.storage.objects).map(([name, object]) => [name, change(object)]),
    ),
  },
});

const PLANTS: readonly Plant[] = [
  {
    name: "a field of an answer is renamed",
    change: changeCalls("status", ({ answer }) => ({ answer: renamed(answer, "wokeAt", "bornAt") })),
    found: "the answer of Shard.status.bornAt is new: number",
  },
  {
    name: "a field of an argument has another type",
    change: changeCalls("deliver", ({ args: [delivery, ...rest] }) => ({
      args: [{ ...fieldsOf(delivery), registration: "1" }, ...rest],
    })),
    found: "argument 1 of Shard.deliver.registration was number, and is string",
  },
  {
    name: "a field inside a JSON text is removed",
    change: (fixtures) =>
      changeObjects(fixtures, (object) => ({
        ...object,
        tables: Object.fromEntries(
          Object.entries(object.tables).map(([name, table]) => [
            name,
            {
              ...table,
              rows: table.rows.map((row) =>
                name === "reports"
                  ? {
                      ...row,
                      status: { $json: { ...fieldsOf(fieldsOf(row["status"])["$json"]), digest: 1 } },
                    }
                  : row,
              ),
            },
          ]),
        ),
      })),
    found: "a row of reports of a Coordinator.status(JSON).digest was string, and is number",
  },
  {
    name: "a field of an attachment is always there",
    change: (fixtures) => ({
      ...fixtures,
      attachments: fixtures.attachments.map((one) =>
        fieldsOf(one)["state"] === "opening" ? { ...fieldsOf(one), refused: true } : one,
      ),
    }),
    found: "an attachment<state=opening>.refused was optional boolean, and is boolean",
  },
  {
    name: "a key of a storage is renamed",
    change: (fixtures) =>
      changeObjects(fixtures, (object) => ({
        ...object,
        kv: renamed(object.kv, "spilled", "overflown") as never,
      })),
    found: "the keys of a Shard.spilled is missing: it was optional boolean",
  },
  {
    name: "a table has one more column",
    change: (fixtures) =>
      changeObjects(fixtures, (object) => ({
        ...object,
        tables: Object.fromEntries(
          Object.entries(object.tables).map(([name, table]) => [
            name,
            name === "listeners" ? { ...table, sql: table.sql.replace(/\)$/u, ", front2 TEXT)") } : table,
          ]),
        ),
      })),
    found: "the column listeners.front2 of a Channel, TEXT is new: boolean",
  },
  {
    name: "a field of the route has another name",
    change: (fixtures) => ({
      ...fixtures,
      upgrades: fixtures.upgrades.map((one) => ({
        ...one,
        route: renamed(one.route, "clientRegion", "region"),
      })),
    }),
    found: "the route of an upgrade.region is new: string",
  },
];

describe("[CT2] the comparison of shapes finds a change and says what to do", () => {
  test.each(PLANTS)("$name", ({ change, found }) => {
    const released = readFixtures(CONTRACT);
    const changes = changesIn(released, change(released));
    expect(changes).toContain(`  ${found}\n`);
    expect(changes).toContain("raise CONTRACT in src/contracts/version.ts");
  });
});
