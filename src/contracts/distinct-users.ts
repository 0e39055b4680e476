import { hashKey } from "../ring/hash.ts";

/**
 * A set of users that can only be merged and counted: exact up to {@link EXACT_USERS} users, a sketch above. Either
 * has a bounded size, so a count moves no list of users between objects (SPEC BD64).
 */
export type DistinctUsers =
  /** 53 bits of a hash of each user. */
  | { readonly kind: "exact"; readonly hashes: readonly number[] }
  /** HyperLogLog (Flajolet and others, 2007): for each bucket of hashes the longest run of zeros, and one. */
  | { readonly kind: "sketch"; readonly registers: Uint8Array };

export const EXACT_USERS = 4_096;
/** 2^14 registers: the standard error of an estimate is 1.04 / 2^7, or 0.8 %. */
const REGISTER_BITS = 14;
const REGISTERS = 2 ** REGISTER_BITS;
/** Of the 53 bits the first hash gives 32. */
const LOW_BITS = 21;
const LOW = 2 ** LOW_BITS;
const [HIGH_SEED, LOW_SEED] = [0x75736572, 0x636f756e];

export const NO_USERS: DistinctUsers = { kind: "exact", hashes: [] };

export function distinctUsers(users: Iterable<string>): DistinctUsers {
  const hashes = new Set<number>();
  for (const user of new Set(users))
    hashes.add(hashKey(user, HIGH_SEED) * LOW + (hashKey(user, LOW_SEED) >>> (32 - LOW_BITS)));
  return fromHashes(hashes);
}

export function mergeUsers(one: DistinctUsers, other: DistinctUsers): DistinctUsers {
  if (one.kind === "exact" && other.kind === "exact")
    return fromHashes(new Set([...one.hashes, ...other.hashes]));
  const registers = new Uint8Array(REGISTERS);
  for (const part of [one, other]) {
    if (part.kind === "exact") addHashes(registers, part.hashes);
    else for (const [n, run] of part.registers.entries()) registers[n] = Math.max(registers[n] ?? 0, run);
  }
  return { kind: "sketch", registers };
}

/** How many users there are: exact, or within some percent. */
export function numberOfUsers(users: DistinctUsers): number {
  if (users.kind === "exact") return users.hashes.length;
  let [sum, empty] = [0, 0];
  for (const run of users.registers) {
    if (run === 0) empty += 1;
    else sum += 2 ** -run;
  }
  const weighed = REGISTERS * weightOfEmpty(empty / REGISTERS) + sum;
  return Math.round(REGISTERS ** 2 / (2 * Math.LN2 * weighed));
}

/**
 * Without a bias at any number of users, and so without a second formula for few (Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017, section 4). `part`: of the registers that are empty, 0 to less than 1.
 */
function weightOfEmpty(part: number): number {
  let [power, factor, sum] = [part, 1, part];
  for (let before = -1; before !== sum; factor *= 2) {
    before = sum;
    power *= power;
    sum += power * factor;
  }
  return sum;
}

function fromHashes(hashes: ReadonlySet<number>): DistinctUsers {
  if (hashes.size <= EXACT_USERS) return { kind: "exact", hashes: [...hashes] };
  const registers = new Uint8Array(REGISTERS);
  addHashes(registers, hashes);
  return { kind: "sketch", registers };
}

function addHashes(registers: Uint8Array, hashes: Iterable<number>): void {
  for (const hash of hashes) {
    const high = Math.floor(hash / LOW);
    const bucket = high >>> (32 - REGISTER_BITS);
    const rest = high & (2 ** (32 - REGISTER_BITS) - 1);
    // The zeros before the first one in the 39 bits that the bucket has left over.
    const zeros =
      rest === 0
        ? 32 - REGISTER_BITS + Math.clz32(hash % LOW) - (32 - LOW_BITS)
        : Math.clz32(rest) - REGISTER_BITS;
    registers[bucket] = Math.max(registers[bucket] ?? 0, zeros + 1);
  }
}
