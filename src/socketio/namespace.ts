import { Broadcaster, type ClusterWork } from "./broadcaster.ts";
import type { Events } from "./types.ts";

/** A namespace of the cluster, to emit to its sockets and to command them. */
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
}

/** A namespace begins with a slash, which may be left out. */
export const fullName = (name: string): string => (name.startsWith("/") ? name : `/${name}`);
