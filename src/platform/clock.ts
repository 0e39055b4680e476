/**
 * The clock of a cluster in development, which a test moves (`ringcast/testing`, SPEC PK25). On one machine all objects
 * of a Worker live in one isolate, so that its `Date` is the time of them all.
 */
const RuntimeDate = Date;
let aheadMs = 0;
let movedAt = 0;

/** Of the newest channels whose objects have lived here, in development: nothing else knows their names. */
const channels = new Set<string>();
const MOST_CHANNELS = 10_000;

/** From now on the time is later by so many ms, in addition to every time before. Answers with the time. */
export function moveClock(ms: number): number {
  if (Date === RuntimeDate) globalThis.Date = movedDate();
  aheadMs += ms;
  movedAt = Date.now();
  return movedAt;
}

/** When the time was last moved, by this clock; 0 if never. Nobody was silent in the time that was left out. */
export const lastMoved = (): number => movedAt;

/** When the runtime's own clock, which alarms follow, shows what this clock shows at `at`. */
export const toRuntime = (at: number): number => at - aheadMs;
export const fromRuntime = (at: number): number => at + aheadMs;

export function noteChannel(name: string): void {
  channels.delete(name);
  channels.add(name);
  const [oldest] = channels;
  if (channels.size > MOST_CHANNELS && oldest !== undefined) channels.delete(oldest);
}

export const notedChannels = (): string[] => [...channels];

function movedDate(): DateConstructor {
  const now = (): number => fromRuntime(RuntimeDate.now());
  return new Proxy(RuntimeDate, {
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
    apply: (target) => new target(now()).toString(),
    get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
  });
}
