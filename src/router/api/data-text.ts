import { cutPart, findPart, MOST_LEVELS, startsOfItems } from "../../contracts/json-text.ts";

/** The data of a command as it was written (SPEC CE4); undefined where it is nested too deeply (SPEC CE5). */
export class DataText {
  readonly json: string | undefined;
  constructor(json: string | undefined) {
    this.json = json;
  }
}

/** The place of a command's parameters in the text of a request: the path to them from an index on. */
type Place = { readonly text: string; readonly path: readonly string[]; readonly from?: number };

/** The methods whose `data` goes to clients as a publication or message. */
const WITH_DATA: ReadonlySet<string> = new Set(["publish", "broadcast", "send"]);

/** The parameters of a command, parsed, with a {@link DataText} in place of `data`; also for each command of a batch. */
export function withDataText(method: string, params: unknown, place: Place): unknown {
  const { text, path, from = 0 } = place;
  if (!isTable(params)) return params;
  if (WITH_DATA.has(method)) {
    const part = findPart(text, [...path, "data"], from);
    if (part === undefined) return params;
    return { ...params, data: new DataText(part.levels > MOST_LEVELS ? undefined : cutPart(text, part)) };
  }
  const { commands } = params;
  if (method !== "batch" || !Array.isArray(commands)) return params;
  const list = findPart(text, [...path, "commands"], from);
  const starts = list === undefined ? [] : startsOfItems(text, list);
  return { ...params, commands: commands.map((one: unknown, n) => withDataOfOne(one, text, starts[n])) };
}

/** A command of a batch: its first field is the method. */
function withDataOfOne(command: unknown, text: string, from: number | undefined): unknown {
  if (!isTable(command)) return command;
  const [method] = Object.keys(command);
  if (method === undefined || method === "batch" || from === undefined) return command;
  return { ...command, [method]: withDataText(method, command[method], { text, path: [method], from }) };
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
