/** A step of the history of a Worker's classes, as Wrangler reads it. */
export type Migration = {
  readonly new_sqlite_classes?: readonly string[] | undefined;
  readonly new_classes?: readonly string[] | undefined;
  readonly renamed_classes?: readonly { readonly from: string; readonly to: string }[] | undefined;
  readonly deleted_classes?: readonly string[] | undefined;
  readonly transferred_classes?: readonly { readonly to: string }[] | undefined;
};

/** The classes of a Worker that declares them, by name, as Wrangler reads them: the newer way beside migrations. */
export type Exports = Readonly<Record<string, { readonly type: string; readonly storage?: string }>>;

/** The classes that a Worker has, and whether their objects have SQL (docs/platform.md P39). */
export function findStorage(
  migrations: readonly Migration[],
  exports: Exports,
): ReadonlyMap<string, "sql" | "noSql"> {
  const classes = new Map<string, "sql" | "noSql">();
  // A class that a deployment has given up has no storage.
  for (const [name, { type, storage }] of Object.entries(exports))
    if (type === "durable-object" && storage !== undefined)
      classes.set(name, storage === "sqlite" ? "sql" : "noSql");
  for (const step of migrations) {
    for (const name of step.new_sqlite_classes ?? []) classes.set(name, "sql");
    for (const name of step.new_classes ?? []) classes.set(name, "noSql");
    for (const { from, to } of step.renamed_classes ?? []) {
      const storage = classes.get(from);
      classes.delete(from);
      if (storage !== undefined) classes.set(to, storage);
    }
    // The other Worker has made them, and its storage comes along.
    for (const { to } of step.transferred_classes ?? []) classes.set(to, "sql");
    for (const name of step.deleted_classes ?? []) classes.delete(name);
  }
  return classes;
}
