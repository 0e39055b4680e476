import type { NamedRelease } from "./releases.ts";
import type { ServerSocket } from "./sockets.ts";

/** An object of a class of ours, by the methods that the platform and other objects call. */
export type Instance = Record<string, (...args: unknown[]) => unknown>;

/** One life of an object in memory. The timers and calls of a life end with it. */
export type Life = {
  readonly name: string;
  /** The release whose code the life runs; clients and back ends have none. */
  readonly release: NamedRelease | undefined;
  readonly instance: Instance;
  dead: boolean;
  /** The messages that the life has sent, and that have not arrived, are lost. */
  silenced: boolean;
  /** The number of timers and calls that the life waits for. The object sleeps at 0 only. */
  waiting: number;
  /** The calls that the life has not answered, each as a function that fails the call. */
  readonly working: Set<(error: Error) => void>;
  alarmRuns: boolean;
  /** The frames of each socket whose handler has not ended. */
  readonly waitingFrames: WeakMap<ServerSocket, number>;
};

/** An event that comes from outside an object. The calls that follow from it are counted together. */
export type Event = { subrequests: number };

export const newLife = (of: Pick<Life, "name" | "release" | "instance">): Life => ({
  ...of,
  dead: false,
  silenced: false,
  waiting: 0,
  working: new Set(),
  waitingFrames: new WeakMap(),
  alarmRuns: false,
});

/** Whether the platform may end the life without a crash. */
export const isIdle = ({ waiting, working, alarmRuns }: Life): boolean =>
  waiting === 0 && working.size === 0 && !alarmRuns;
