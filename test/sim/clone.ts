/** The objects that were copied, and their copies, in the same order. */
type Copied = { readonly from: object[]; readonly to: object[]; many: Map<object, object> | undefined };

/** So many objects are searched faster in a list than in a map. */
const FEW = 12;
/** A value is of no kind that is copied here. */
const FOREIGN = Symbol("foreign");

/**
 * A copy as `structuredClone` makes it, and a refusal where it refuses. Plain objects, lists and maps are copied here,
 * as that is many times faster; every other value is left to `structuredClone`.
 */
export function clone<T>(value: T): T {
  const copy = copyOf(value, { from: [], to: [], many: undefined });
  return copy === FOREIGN ? structuredClone(value) : (copy as T);
}

function copyOf(value: unknown, copied: Copied): unknown {
  if (typeof value === "object") return value === null ? null : copyOfObject(value, copied);
  return typeof value === "function" || typeof value === "symbol" ? FOREIGN : value;
}

function copyOfObject(from: object, copied: Copied): unknown {
  const known = copied.many?.get(from) ?? copied.to[copied.from.indexOf(from)];
  if (known !== undefined) return known;
  const prototype: unknown = Object.getPrototypeOf(from);
  if (prototype === Object.prototype || prototype === null) return copyFields(from, copied);
  if (prototype === Array.prototype && Array.isArray(from)) return copyItems(from, copied);
  return prototype === Map.prototype && from instanceof Map ? copyEntries(from, copied) : FOREIGN;
}

function copyFields(from: object, copied: Copied): unknown {
  const copy: Record<string, unknown> = {};
  keep(from, copy, copied);
  for (const field of Object.keys(from)) {
    // An assignment to this field would change the prototype.
    if (field === "__proto__") return FOREIGN;
    const item = copyOf((from as Record<string, unknown>)[field], copied);
    if (item === FOREIGN) return FOREIGN;
    copy[field] = item;
  }
  return copy;
}

function copyItems(from: readonly unknown[], copied: Copied): unknown {
  // A hole, or a field besides the items.
  if (Object.keys(from).length !== from.length) return FOREIGN;
  const copy: unknown[] = [];
  keep(from, copy, copied);
  for (const one of from) {
    const item = copyOf(one, copied);
    if (item === FOREIGN) return FOREIGN;
    copy.push(item);
  }
  return copy;
}

function copyEntries(from: ReadonlyMap<unknown, unknown>, copied: Copied): unknown {
  const copy = new Map<unknown, unknown>();
  keep(from, copy, copied);
  for (const [key, one] of from) {
    const [keyCopy, item] = [copyOf(key, copied), copyOf(one, copied)];
    if (keyCopy === FOREIGN || item === FOREIGN) return FOREIGN;
    copy.set(keyCopy, item);
  }
  return copy;
}

/** An object that comes twice is copied once. */
function keep(from: object, copy: object, copied: Copied): void {
  if (copied.many !== undefined) return void copied.many.set(from, copy);
  copied.from.push(from);
  copied.to.push(copy);
  if (copied.from.length <= FEW) return;
  copied.many = new Map(copied.from.map((one, n) => [one, copied.to[n] as object]));
  copied.from.length = 0;
}
