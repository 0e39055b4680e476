import { AsyncLocalStorage } from "node:async_hooks";

/** One call of a function of `src`. */
export type Entry = {
  readonly file: string;
  readonly line: number;
  /** The file of the caller; undefined if the platform, a library or this script calls. */
  readonly from: string | undefined;
  /** The class of the object that is at work, or `router`. */
  readonly part: string;
  /** The object's name; the router's name is `outside`. */
  readonly object: string;
  /** The call came from another file, and the file itself is further down on the call stack. */
  readonly isCallBack: boolean;
};

type Frame = { readonly file: string; readonly below: Frame | undefined };

/**
 * The call stack. Each call has its own context, so the stack is right across awaits, promises and libraries: the part
 * of a function after an `await`, and a callback in a promise, still have their callers below them.
 */
const stack = new AsyncLocalStorage<Frame | undefined>();
let recording: { readonly entries: Entry[]; readonly objectAtWork: () => string } | undefined;

/** Runs the body of a function of `src`; see instrument.ts. */
export function enter<T>(file: string, line: number, body: () => T): T {
  const below = stack.getStore();
  if (recording !== undefined) {
    const object = recording.objectAtWork();
    const from = below?.file;
    const [part = ""] = object === "outside" ? ["router"] : object.split(" ");
    recording.entries.push({
      file,
      line,
      from,
      part,
      object,
      isCallBack: from !== file && isOn(below, file),
    });
  }
  return stack.run({ file, below }, body);
}

function isOn(top: Frame | undefined, file: string): boolean {
  for (let frame = top; frame !== undefined; frame = frame.below) if (frame.file === file) return true;
  return false;
}

/** Starts to record. The returned function stops, and returns the entries. */
export function record(objectAtWork: () => string): () => readonly Entry[] {
  const entries: Entry[] = [];
  recording = { entries, objectAtWork };
  return () => {
    recording = undefined;
    return entries;
  };
}
