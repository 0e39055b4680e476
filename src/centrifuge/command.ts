import * as z from "zod";
import { cutPart, findPart, MOST_LEVELS } from "../contracts/json-text.ts";
import { tagsFilterSchema } from "../policy/tags-filter.ts";

/**
 * The commands of clients (Centrifuge protocol v2, JSON; docs/protocol.md C6). Unknown fields are ignored, and a field
 * that is null is absent, except `data` (SPEC CE2).
 */

/** Each frame has one, and so it is checked without a schema. */
const isUint32 = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
/** JavaScript's exact integers; a log never gets there. */
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const channel = z.string();
/** The kind of a subscription: 0 or absent is a stream, the others are not offered (SPEC CE1, docs/protocol.md C46). */
const type = z.int().optional();

const position = z.object({
  recover: z.boolean().optional(),
  offset: offset.optional(),
  epoch: z.string().optional(),
  delta: z.string().optional(),
});

/** In the order in which the server looks for the first that is present. */
const bodies = {
  connect: z.object({
    token: z.string().optional(),
    data: z.unknown().optional(),
    name: z.string().optional(),
    version: z.string().optional(),
    subs: z.record(z.string(), position).optional(),
  }),
  subscribe: z.object({
    channel,
    token: z.string().optional(),
    data: z.unknown().optional(),
    recover: z.boolean().optional(),
    epoch: z.string().optional(),
    offset: offset.optional(),
    join_leave: z.boolean().optional(),
    delta: z.string().optional(),
    positioned: z.boolean().optional(),
    recoverable: z.boolean().optional(),
    // A bit field of 64 bits in Go. JavaScript's clients have 53 of them (SPEC CE3).
    flag: z.int().optional(),
    type,
    tf: tagsFilterSchema.optional(),
  }),
  unsubscribe: z.object({ channel }),
  publish: z.object({ channel, data: z.unknown().optional(), type }),
  presence: z.object({ channel }),
  presence_stats: z.object({ channel }),
  history: z.object({
    channel,
    limit: z.number().int().min(-1).max(0x7fff_ffff).optional(),
    since: z.object({ offset: offset.optional(), epoch: z.string().optional() }).optional(),
    reverse: z.boolean().optional(),
  }),
  rpc: z.object({ method: z.string().optional(), data: z.unknown().optional() }),
  send: z.object({ data: z.unknown().optional() }),
  refresh: z.object({ token: z.string() }),
  sub_refresh: z.object({ channel, token: z.string().optional(), type }),
} as const;

type Parsed = { [Kind in keyof typeof bodies]: z.infer<(typeof bodies)[Kind]> };
/** `json`: the data as its text; absent where there is none, or where it is nested too deeply (SPEC CE4, CE5). */
type Publish = Omit<Parsed["publish"], "data"> & { readonly json?: string };
type Bodies = Omit<Parsed, "publish"> & { readonly publish: Publish };
export type CommandKind = keyof Bodies;
/** One command with its body; `id` is 0 where the client wants no answer (only `send` may). */
export type Command = {
  [Kind in CommandKind]: { readonly kind: Kind; readonly id: number; readonly body: Bodies[Kind] };
}[CommandKind];
export type CommandOf<Kind extends CommandKind> = Extract<Command, { kind: Kind }>;

export type ParsedFrame =
  | { readonly ok: true; readonly commands: readonly Command[] }
  | { readonly ok: false; readonly detail: string };

const KINDS = Object.keys(bodies) as CommandKind[];

/**
 * Reads one text frame: JSON objects, one a line. A pong (`{}`) is no command, so a frame may hold none.
 * One bad line spoils the frame: the protocol's answer to it is to close with 3501.
 */
export function parseFrame(text: string): ParsedFrame {
  const commands: Command[] = [];
  for (const line of text.trim().split("\n")) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return { ok: false, detail: "not JSON" };
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return { ok: false, detail: "not an object" };
    }
    if (Object.keys(value).length === 0) continue;
    // Most lines have no null, and finding that out is cheap.
    const command = parseCommand(
      (line.includes("null") ? withoutNulls(value as Table) : value) as Table,
      line,
    );
    if (typeof command === "string") return { ok: false, detail: command };
    commands.push(command);
  }
  return { ok: true, commands };
}

type Table = Record<string, unknown>;

/** The deepest fields are those of a tags filter. A filter that is deeper is refused by its own rule. */
const MOST_LEVELS_OF_FIELDS = 40;

/** A command without the fields that are null: Go does not tell null from absent. `data` of a command is a value. */
const withoutNulls = (command: Table): Table =>
  mapFields(command, (body) =>
    isTable(body) ? mapFields(body, (value, name) => (name === "data" ? value : dropNulls(value))) : body,
  );

/** Undefined for null. An item of a list is no field, so it stays. */
function dropNulls(value: unknown, levels = MOST_LEVELS_OF_FIELDS): unknown {
  if (value === null) return undefined;
  if (levels === 0 || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item) => dropNulls(item, levels - 1) ?? null);
  return mapFields(value as Table, (field) => dropNulls(field, levels - 1));
}

/** A field whose value becomes undefined is dropped. */
const mapFields = (table: Table, map: (value: unknown, name: string) => unknown): Table =>
  Object.fromEntries(
    Object.entries(table)
      .map(([name, value]) => [name, map(value, name)] as const)
      .filter(([, value]) => value !== undefined),
  );

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `line` is the text of the command. */
function parseCommand(value: Table, line: string): Command | string {
  const kind = KINDS.find((name) => value[name] !== undefined && value[name] !== null);
  if (kind === undefined) return "unknown command";
  const id = value["id"] ?? 0;
  if (!isUint32(id)) return "id is not an unsigned 32-bit integer";
  if (id === 0 && kind !== "send") return "a command needs an id";
  const body = bodies[kind].safeParse(value[kind]);
  if (!body.success)
    return `${kind}: ${body.error.issues[0]?.path.join(".") ?? ""} ${body.error.issues[0]?.message ?? ""}`;
  if (kind === "publish") return { kind, id, body: withText(body.data as Parsed["publish"], line) };
  return { kind, id, body: body.data } as Command;
}

function withText({ data, ...body }: Parsed["publish"], line: string): Publish {
  const part = data === undefined ? undefined : findPart(line, ["publish", "data"]);
  return part === undefined || part.levels > MOST_LEVELS ? body : { ...body, json: cutPart(line, part) };
}
