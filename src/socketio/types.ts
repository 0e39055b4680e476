/** The types of events, as in the package `socket.io`: a map from an event's name to the function that takes it. */
export type Events = object;

// The arguments of a deployment without a map of events are its own matter, as in the package `socket.io`.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyEvents = { [event: string]: (...args: any[]) => void };
// So is its `socket.data`.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyData = any;

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

/** Of an event with an acknowledgement and a time for it: the acknowledgement gets an error first. */
export type TimedArgsOf<Map extends Events, Name extends NameOf<Map>> =
  ArgsOf<Map, Name> extends [...infer Args, (...answer: infer Answer) => unknown]
    ? [...Args, ack: (error: Error | null, ...answer: Answer) => void]
    : ArgsOf<Map, Name>;

/** Of an event for many: an acknowledgement may be left out, and gets all answers. */
export type ManyArgsOf<Map extends Events, Name extends NameOf<Map>> =
  ArgsOf<Map, Name> extends [...infer Args, (answer: infer Answer, ...more: never[]) => unknown]
    ? Args | [...Args, ack: (error: Error | null, answers: Answer[]) => void]
    : ArgsOf<Map, Name>;
