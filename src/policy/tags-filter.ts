import * as z from "zod";
import type { Tags } from "../contracts/publication.ts";

/** Which publications a subscriber wants, by their tags (Centrifuge protocol, `FilterNode`). */
export type TagsFilter = {
  /** Absent or empty: a leaf, which compares. */
  readonly op?: string | undefined;
  readonly key?: string | undefined;
  readonly cmp?: string | undefined;
  readonly val?: string | undefined;
  readonly vals?: readonly string[] | undefined;
  readonly nodes?: readonly TagsFilter[] | undefined;
};

/** Deep enough for anything a person writes, shallow enough for the stack. */
const MAX_DEPTH = 16;

const nodeSchema: z.ZodType<TagsFilter> = z.object({
  op: z.string().optional(),
  key: z.string().optional(),
  cmp: z.string().optional(),
  val: z.string().optional(),
  vals: z.array(z.string()).optional(),
  get nodes() {
    return z.array(nodeSchema).optional();
  },
});

/** The depth is judged before the nodes are read, as reading them takes the stack (SPEC BD26). */
export const tagsFilterSchema: z.ZodType<TagsFilter> = z
  .unknown()
  .refine(isReadable, { error: "a filter as deep as this is not read", abort: true })
  .pipe(nodeSchema);

function isReadable(filter: unknown): boolean {
  let level: readonly unknown[] = [filter];
  for (let depth = 0; depth < 2 * MAX_DEPTH; depth++) {
    level = level.flatMap(nodesOf);
    if (level.length === 0) return true;
  }
  return false;
}

const nodesOf = (node: unknown): readonly unknown[] =>
  typeof node === "object" && node !== null && "nodes" in node && Array.isArray(node.nodes) ? node.nodes : [];

type Compare = (tag: string | undefined, filter: TagsFilter) => boolean;

/** A tag that is not there is unequal to everything, and neither contains nor exceeds anything. */
const ONE_VALUE: Readonly<Record<string, Compare>> = {
  eq: (tag, { val }) => tag === val,
  neq: (tag, { val }) => tag !== val,
  sw: (tag, { val = "" }) => tag?.startsWith(val) === true,
  ew: (tag, { val = "" }) => tag?.endsWith(val) === true,
  ct: (tag, { val = "" }) => tag?.includes(val) === true,
  lt: (tag, { val }) => compareNumbers(tag, val, (order) => order < 0),
  lte: (tag, { val }) => compareNumbers(tag, val, (order) => order <= 0),
  gt: (tag, { val }) => compareNumbers(tag, val, (order) => order > 0),
  gte: (tag, { val }) => compareNumbers(tag, val, (order) => order >= 0),
};
const MANY_VALUES: Readonly<Record<string, Compare>> = {
  in: (tag, { vals = [] }) => vals.includes(tag ?? ""),
  nin: (tag, { vals = [] }) => !vals.includes(tag ?? ""),
};
const NO_VALUE: Readonly<Record<string, Compare>> = {
  ex: (tag) => tag !== undefined,
  nex: (tag) => tag === undefined,
};
const COMPARISONS: ReadonlyMap<string, Compare> = new Map(
  [ONE_VALUE, MANY_VALUES, NO_VALUE].flatMap((table) => Object.entries(table)),
);

/** Whether a filter means something: the rules are those of Centrifuge's own `Validate`. */
export function isMeaningful(filter: TagsFilter, depth = MAX_DEPTH): boolean {
  if (depth === 0) return false;
  const { op = "", nodes = [] } = filter;
  switch (op) {
    case "":
      return isMeaningfulLeaf(filter);
    case "and":
    case "or":
      return nodes.length > 0 && nodes.every((node) => isMeaningful(node, depth - 1));
    case "not":
      return nodes.length === 1 && nodes.every((node) => isMeaningful(node, depth - 1));
    default:
      return false;
  }
}

function isMeaningfulLeaf({ key = "", cmp = "", val = "", vals = [] }: TagsFilter): boolean {
  if (Object.hasOwn(NO_VALUE, cmp)) return val === "" && vals.length === 0;
  if (key === "") return false;
  if (Object.hasOwn(ONE_VALUE, cmp)) return val !== "" && vals.length === 0;
  return Object.hasOwn(MANY_VALUES, cmp) && val === "" && vals.length > 0;
}

/** Whether a publication with these tags passes. The filter MUST be meaningful. */
export function matches(filter: TagsFilter, tags: Tags): boolean {
  const { op = "", key = "", cmp = "", nodes = [] } = filter;
  switch (op) {
    case "and":
      return nodes.every((node) => matches(node, tags));
    case "or":
      return nodes.some((node) => matches(node, tags));
    case "not":
      return !nodes.some((node) => matches(node, tags));
    default:
      return COMPARISONS.get(cmp)?.(Object.hasOwn(tags, key) ? tags[key] : undefined, filter) === true;
  }
}

/** Decimal numbers of any length, exactly; what is no number compares to nothing. */
function compareNumbers(
  tag: string | undefined,
  val: string | undefined,
  decide: (order: bigint) => boolean,
): boolean {
  const [a, b] = [DECIMAL.exec(tag ?? ""), DECIMAL.exec(val ?? "")];
  if (a === null || b === null) return false;
  const places = Math.max(a[3]?.length ?? 0, b[3]?.length ?? 0);
  return decide(scaled(a, places) - scaled(b, places));
}

const DECIMAL = /^([+-]?)(\d{1,100})(?:\.(\d{1,100}))?$/;

function scaled([, sign, whole = "", fraction = ""]: RegExpExecArray, places: number): bigint {
  const digits = BigInt(whole + fraction.padEnd(places, "0"));
  return sign === "-" ? -digits : digits;
}
