import type * as z from "zod";

type RawIssue = z.core.$ZodRawIssue;

/** A fault of a value, and the path of its field; the empty path is the value itself. */
export type Fault = { readonly path: readonly PropertyKey[]; readonly message: string };

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/**
 * Says a fault as a sentence about the value, where the validator's own text has the words of its code. It is the `error`
 * of a `safeParse`; the text that a schema gives for itself comes first (SPEC FH3).
 */
export function sayFault(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is missing";
      return `must be ${kindOf(issue.expected)}${notA(issue.input)}`;
    case "too_small":
      return saySize(
        issue.origin,
        Number(issue.minimum),
        issue.inclusive === false ? "more than" : "at least",
      );
    case "too_big":
      return saySize(
        issue.origin,
        Number(issue.maximum),
        issue.inclusive === false ? "less than" : "at most",
      );
    case "invalid_value":
      return `must be ${issue.values.length === 1 ? "" : "one of "}${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "unrecognized_keys":
      return UNKNOWN_FIELD;
    case "invalid_format":
      return issue.format === "url" ? "must be an address such as https://example.com/path" : undefined;
    case "invalid_union":
      return `must be ${issue.errors.flatMap(([inner]) => (inner && isOtherKind(inner) ? [kindOf(inner.expected)] : [])).join(" or ")}`;
    default:
      return undefined;
  }
}

const UNKNOWN_FIELD = "there is no such field";

/**
 * The faults of a value, in their order. A field that is not known has a fault of its own, and a value that is of the kind
 * of one of several forms has the faults of that form.
 */
export const faultsOf = ({ issues }: Pick<z.core.$ZodError, "issues">): Fault[] =>
  issues.flatMap((issue): Fault[] => {
    const { path, message } = issue;
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => ({ path: [...path, key], message: UNKNOWN_FIELD }));
      case "invalid_union": {
        const form = issue.errors.find(([first]) => first !== undefined && !isOtherKind(first));
        if (form === undefined) return [{ path, message }];
        return faultsOf({ issues: form }).map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
      }
      default:
        return [{ path, message }];
    }
  });

/** Whether the value itself is of another kind. */
const isOtherKind = (issue: z.core.$ZodIssue): issue is z.core.$ZodIssueInvalidType =>
  issue.code === "invalid_type" && issue.path.length === 0;

/** The first fault as a text: `since.offset: must be at least 0`. `whole`: a name for the value itself. */
export function firstFault(error: Pick<z.core.$ZodError, "issues">, whole: string): string {
  const [{ path, message } = { path: [], message: "is not valid" }] = faultsOf(error);
  return `${path.length === 0 ? whole : path.join(".")}: ${message}`;
}

const kindOf = (expected: string): string => KINDS[expected] ?? `of the type ${expected}`;

function notA(input: unknown): string {
  switch (typeof input) {
    case "string":
      return ", not a text";
    case "number":
      // "limit=abc" in a query is a number that is none.
      return Number.isNaN(input) ? "" : `, not ${input}`;
    case "boolean":
      return `, not ${input}`;
    case "object":
      if (input === null) return ", not null";
      return Array.isArray(input) ? ", not a list" : ", not an object";
    default:
      return "";
  }
}

function saySize(origin: string, size: number, bound: string): string {
  if (origin !== "string" && origin !== "array") return `must be ${bound} ${size}`;
  if (bound === "at least" && size === 1) return "must not be empty";
  return `must have ${bound} ${size} ${origin === "string" ? "characters" : "entries"}`;
}
