/**
 * The storage was written by a release that this one cannot work with (SPEC CT3). Deploy a newer release; nothing was
 * read or written.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/** The storage of this release. Raised by a release that contracts what an earlier one has expanded. */
const STORAGE_VERSION = 1;

/** The key under which a contracting release writes the oldest storage version that can still work with its rows. */
const NEEDS = "needsStorage";

/** MUST be the first look of an object at its storage. Throws {@link StorageError} before a newer release's rows are touched. */
export function refuseNewerStorage(storage: DurableObjectStorage): void {
  const needs = storage.kv.get<number>(NEEDS) ?? 0;
  if (needs <= STORAGE_VERSION) return;
  throw new StorageError(
    `this object's storage needs a release of storage ${needs}, and this is ${STORAGE_VERSION}`,
  );
}
