import { allOf, Broadcaster, quiet, splitAck, type ClusterWork } from "./broadcaster.ts";
import type { Sum } from "./gathered.ts";
import { InputError } from "./input-error.ts";
import { pack, unpack } from "./packed.ts";
import type { AnswerOf, Events, ManyArgsOf, NameOf, SentArgsOf } from "./types.ts";

/** How long the other servers have for an answer, as in a stock server. */
const SERVER_SIDE_MS = 5_000;
const RESERVED = new Set(["connect", "connection", "new_namespace"]);

/** A namespace of the cluster, to emit to its sockets, to command them, and to tell its handlers on other shards. */
export class Namespace<Emit extends Events, ServerSide extends Events, Data> extends Broadcaster<Emit, Data> {
  readonly name: string;
  readonly #work: ClusterWork;

  constructor(work: ClusterWork, name: string) {
    super(work, { nsp: name, rooms: [], except: [] });
    this.name = name;
    this.#work = work;
  }

  /** Another namespace. */
  of<OtherEmit extends Events = Emit, OtherServerSide extends Events = ServerSide, OtherData = Data>(
    name: string,
  ): Namespace<OtherEmit, OtherServerSide, OtherData> {
    return new Namespace(this.#work, fullName(name));
  }

  /**
   * Tells the handlers `io.onServerSide` of all other shards; code that runs in no shard tells those of all. Resolves
   * when they have begun. A function as the last argument gets an error or null, and one answer of each shard
   * (SPEC SO33).
   */
  serverSideEmit<Name extends NameOf<ServerSide>>(
    event: Name,
    ...args: ManyArgsOf<ServerSide, Name>
  ): Promise<void> {
    const [ack, rest] = splitAck(args);
    if (ack === undefined) return quiet(this.#tell(event, rest, null).then(() => undefined));
    const answered = this.#tell(event, rest, SERVER_SIDE_MS);
    return quiet(answered.then(({ error, answers }) => this.#work.run(event, () => ack(error, answers))));
  }

  /** One answer of each shard. Rejects where one has not answered within 5 s; the error has `responses`. */
  async serverSideEmitWithAck<Name extends NameOf<ServerSide>>(
    event: Name,
    ...args: SentArgsOf<ServerSide, Name>
  ): Promise<AnswerOf<ServerSide, Name>[]> {
    const { error, answers } = await this.#tell(event, args, SERVER_SIDE_MS);
    if (error !== null) throw Object.assign(error, { responses: answers });
    return answers as AnswerOf<ServerSide, Name>[];
  }

  async #tell(event: string, args: readonly unknown[], timeoutMs: number | null): Promise<Sum> {
    if (RESERVED.has(event)) throw new InputError(`"${event}" is a reserved event name`);
    const packed = pack([event, ...args]);
    const question = { kind: "serverSide", nsp: this.name, args: packed, timeoutMs } as const;
    const results = await this.#work.ask(question, {});
    if (timeoutMs === null) return { error: null, answers: allOf(results) };
    const answers = results.flatMap((one) =>
      one.status === "fulfilled" && typeof one.value === "string" ? [unpack(one.value)[0]] : [],
    );
    if (answers.length === results.length) return { error: null, answers };
    const counts = `only ${answers.length} responses received out of ${results.length}`;
    return { error: new Error(`timeout reached: ${counts}`), answers };
  }
}

/** A namespace begins with a slash, which may be left out. */
export const fullName = (name: string): string => (name.startsWith("/") ? name : `/${name}`);
