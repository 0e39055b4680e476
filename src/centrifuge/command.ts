import { z } from "zod";
import { tagsFilterSchema } from "../policy/tags-filter.ts";

/** The commands of clients (Centrifuge protocol v2, JSON; docs/protocol.md C6). Unknown fields are ignored. */

const uint32 = z.number().int().min(0).max(0xffff_ffff);
/** JavaScript's exact integers; a log never gets there. */
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const channel = z.string();

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
    flag: uint32.optional(),
    tf: tagsFilterSchema.optional(),
  }),
  unsubscribe: z.object({ channel }),
  publish: z.object({ channel, data: z.unknown().optional() }),
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
  sub_refresh: z.object({ channel, token: z.string().optional() }),
} as const;

type Bodies = { [Kind in keyof typeof bodies]: z.infer<(typeof bodies)[Kind]> };
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
    const command = parseCommand(value as Record<string, unknown>);
    if (typeof command === "string") return { ok: false, detail: command };
    commands.push(command);
  }
  return { ok: true, commands };
}

function parseCommand(value: Record<string, unknown>): Command | string {
  const kind = KINDS.find((name) => value[name] !== undefined && value[name] !== null);
  if (kind === undefined) return "unknown command";
  const id = uint32.safeParse(value["id"] ?? 0);
  if (!id.success) return "id is not an unsigned 32-bit integer";
  if (id.data === 0 && kind !== "send") return "a command needs an id";
  const body = bodies[kind].safeParse(value[kind]);
  if (!body.success)
    return `${kind}: ${body.error.issues[0]?.path.join(".") ?? ""} ${body.error.issues[0]?.message ?? ""}`;
  return { kind, id: id.data, body: body.data } as Command;
}
