import { addressKey, readAddress, type ShardAddress } from "../contracts/address.ts";

/** A shard that listens, under the number of its latest registration, and the offset that it has heard up to. */
export type ShardRegistration = {
  readonly shard: ShardAddress;
  /** The key of the address. */
  readonly key: string;
  readonly number: number;
  readonly heard: number;
};

type Row = { registration: number; front: string; name: string; region: string; heard: number };

/** The rows of the shards that have listeners, one each. A number is never used again (AUTOINCREMENT). */
export class Registrations {
  readonly #sql: SqlStorage;
  /** Each of these shards has heard up to here, whatever its own row says. */
  #heardByAll = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  all(): ShardRegistration[] {
    const [log] = this.#sql.exec<{ heard: number }>("SELECT heard FROM log").toArray();
    this.#heardByAll = log?.heard ?? 0;
    return this.#sql
      .exec<Row>("SELECT * FROM listeners")
      .toArray()
      .map(({ registration, front, name: key, region, heard }) => ({
        shard: readAddress({ front, region, name: key.slice(key.indexOf(":") + 1) }),
        key,
        number: registration,
        heard: Math.max(heard, this.#heardByAll),
      }));
  }

  /** A new registration, in place of the one that the shard may have had. */
  add(shard: ShardAddress, heard: number): ShardRegistration {
    const key = addressKey(shard);
    if (heard < this.#heardByAll) this.#spread();
    const { registration } = this.#sql
      .exec<{ registration: number }>(
        "INSERT OR REPLACE INTO listeners (front, name, region, heard) VALUES (?, ?, ?, ?) RETURNING registration",
        shard.front,
        key,
        shard.region,
        heard,
      )
      .one();
    return { shard, key, number: registration, heard };
  }

  /** Also of a front that has no binding. */
  get isEmpty(): boolean {
    return this.#sql.exec("SELECT 1 FROM listeners LIMIT 1").toArray().length === 0;
  }

  delete(number: number): void {
    this.#sql.exec("DELETE FROM listeners WHERE registration = ?", number);
  }

  /**
   * Writes how far a shard has heard. Done late and not for each delivery: after a crash the log sends again what was
   * heard and not saved, and the shard drops it.
   */
  save(number: number, heard: number): void {
    this.#sql.exec("UPDATE listeners SET heard = ? WHERE registration = ?", heard, number);
  }

  /** The same for every shard that listens, in the one row of the log (SPEC BD8). */
  saveAll(heard: number): void {
    this.#sql.exec("UPDATE log SET heard = ?", heard);
    this.#heardByAll = heard;
  }

  /** Gives each row its own offset again: a shard begins that has not heard what the others have. */
  #spread(): void {
    this.#sql.exec("UPDATE listeners SET heard = ? WHERE heard < ?", this.#heardByAll, this.#heardByAll);
    this.saveAll(0);
  }
}
