/**
 * The time of a shard's one thread, in ms, for each piece of work. The clock of an object stands still while code runs
 * (docs/platform.md P26), so a shard counts its work and weighs it by this table.
 *
 * From bench/results.json: an upgrade from `connect` (2,014 a second), a frame from `publish` (1,718 publications a
 * second), a delivery from `broadcast` (26.95 ms in the object for 4,000), a kilobyte from the same case with payloads of
 * 16 KB, which take some eight times as long as those of 200 bytes. A call or an alarm from `direct`: a publication
 * makes two calls more than with a bare object, and takes 0.25 ms longer.
 */
export const COSTS = {
  date: "2026-11-23",
  upgrade: 0.5,
  frame: 0.58,
  delivery: 0.0067,
  kilobyte: 0.003,
  call: 0.12,
} as const;

/** The pieces of work that make the load of a shard. `kilobyte`: of the frames of deliveries. */
export const WORK = ["upgrade", "frame", "delivery", "kilobyte"] as const;
export type Work = (typeof WORK)[number];

/** The part of its time that a shard may work: an object answers late long before it works all the time. */
export const WORK_BUDGET = 0.7;
