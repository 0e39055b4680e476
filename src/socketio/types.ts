/** The types of events, as in the package `socket.io`: a map from an event's name to the function that takes it. */
export type Events = object;

// The arguments of a deployment without a map of events are its own matter, as in the package `socket.io`.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyEvents = { [event: string]: (...args: any[]) => void };

export type NameOf<Map extends Events> = keyof Map & string;

export type ArgsOf<Map extends Events, Name extends NameOf<Map>> = Map[Name] extends (
  ...args: infer Args
) => unknown
  ? Args
  : never;

/** The same without a last function, which is the acknowledgement. */
export type SentArgsOf<Map extends Events, Name extends NameOf<Map>> =
  ArgsOf<Map, Name> extends [...infer Args, (...answer: never[]) => unknown] ? Args : ArgsOf<Map, Name>;

/** What the other side answers to an event. */
export type AnswerOf<Map extends Events, Name extends NameOf<Map>> =
  ArgsOf<Map, Name> extends [...unknown[], (answer: infer Answer, ...more: never[]) => unknown]
    ? Answer
    : unknown;

/** The maps of a deployment: what clients send, what they receive, and `socket.data`. */
export type Maps = { readonly listen: Events; readonly emit: Events; readonly data: unknown };
