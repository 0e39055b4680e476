import fc from "fast-check";
import { io, type Socket } from "socket.io-client";
import { eventually } from "../cluster.ts";

/**
 * Scripts of stock clients, and what each client observes of a server (SPEC SO18). The steps run one after the other, so
 * a stock server shows one thing only, and a cluster has to show the same.
 */

/** The transports of each client: one upgrades in the middle of a script, one stays with polling. */
const CLIENTS = [
  {},
  { transports: ["websocket"] },
  { transports: ["polling"] },
  { transports: ["websocket"] },
];
const NAMESPACES = ["/", "/chat"] as const;

/** Before the rooms of a volatile event. */
const PASSING = "passing ";

type Name = (typeof NAMESPACES)[number] | "/closed" | "/unknown";
type Step =
  /** An event that the server acknowledges. */
  | { readonly do: "ask"; readonly nsp: Name; readonly event: string; readonly args: readonly unknown[] }
  /** An event for rooms, which their sockets hear as `said`. */
  | {
      readonly do: "emit";
      readonly nsp: Name;
      readonly event: "room" | "others" | "passing";
      readonly rooms: readonly string[];
      readonly except: readonly string[];
      readonly args: readonly unknown[];
    }
  | { readonly do: "question"; readonly nsp: Name }
  | { readonly do: "connect"; readonly nsp: Name; readonly auth: object }
  | { readonly do: "leave"; readonly nsp: Name }
  | { readonly do: "throw away"; readonly nsp: Name; readonly close: boolean };
export type Script = readonly { readonly client: number; readonly step: Step }[];

const room = fc.constantFrom("red", "green", "blue", "a room, of ünusual name");
const rooms = fc.uniqueArray(room, { maxLength: 3 });
const bytes = fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array));
const value = fc.oneof(fc.jsonValue(), bytes, fc.record({ deep: fc.array(bytes, { maxLength: 2 }) }));
const nsp = fc.constantFrom<Name>("/", "/", "/chat");
const auth = fc.constantFrom({}, { password: "wrong" }, { password: "open sesame" }, { password: "null" });

const ask = (event: string, ...args: fc.Arbitrary<unknown>[]): fc.Arbitrary<Step> =>
  fc.tuple(nsp, ...args).map(([nsp, ...args]): Step => ({ do: "ask", nsp, event, args }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: ask("join", room) },
  { weight: 2, arbitrary: ask("leave", room) },
  { weight: 2, arbitrary: ask("count") },
  { weight: 1, arbitrary: ask("keep", value) },
  { weight: 3, arbitrary: ask("echo", value) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("emit" as const),
      nsp,
      event: fc.constantFrom("room" as const, "others" as const, "passing" as const),
      rooms,
      except: rooms,
      args: fc.array(value, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: nsp.map((nsp): Step => ({ do: "question", nsp })) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("connect" as const),
      nsp: fc.constantFrom<Name>("/", "/chat", "/closed", "/unknown"),
      auth,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Name>("/", "/chat", "/closed").map((nsp): Step => ({ do: "leave", nsp })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("throw away" as const), nsp, close: fc.boolean() }),
  },
);

/** So that unions meet sockets that are in several of their rooms. */
const BEGIN: Script = [0, 1, 2].flatMap((client): Script => {
  const join = (room: string): Step => ({ do: "ask", nsp: "/", event: "join", args: [room] });
  const emit = {
    do: "emit",
    nsp: "/",
    event: "room",
    rooms: ["red", "green"],
    except: ["blue"],
    args: [],
  } as const;
  return [join("red"), join(client === 2 ? "blue" : "green"), emit].map((step) => ({ client, step }));
});

export const scriptOf = ({ steps }: { readonly steps: number }): fc.Arbitrary<Script> =>
  fc
    .array(fc.record({ client: fc.nat(CLIENTS.length - 1), step }), { minLength: steps, maxLength: steps })
    .map((steps): Script => [...BEGIN, ...steps]);

/**
 * `said`: of each client and namespace, what it heard, by the rooms of the event; their order among themselves is open.
 * `counts`: how much each client had heard before each step that changes who hears what.
 */
export type Observed = {
  readonly results: readonly unknown[];
  readonly counts: readonly (readonly number[])[];
  readonly said: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>>;
};

/** Emits and questions may overlap with each other. Before any other step, what was emitted has to be there. */
const changesHearers = (step: Step): boolean =>
  step.do !== "emit" &&
  step.do !== "question" &&
  !(step.do === "ask" && /^(count|keep|echo)$/.test(step.event));

/** Plays a script. `expected`: what a stock server has shown; events that come later than there are awaited. */
export async function play(
  url: URL,
  { script, run, expected }: { readonly script: Script; readonly run: string; readonly expected?: Observed },
): Promise<Observed> {
  const players = CLIENTS.map((options, n) => new Player(url, `${run}-${n}`, options));
  const results: unknown[] = [];
  const counts: number[][] = [];
  const settle = async (): Promise<void> => {
    for (const player of players) await player.echo();
    const wanted = expected?.counts[counts.length] ?? [];
    const isThere = () => players.every(({ heard }, n) => heard >= (wanted[n] ?? 0));
    // One that never comes shows in the comparison.
    await eventually(isThere, 20_000).catch(() => undefined);
    counts.push(players.map(({ heard }) => heard));
  };
  try {
    for (const player of players) await player.connect("/", {});
    for (const [n, { client, step }] of script.entries()) {
      if (changesHearers(step)) await settle();
      results.push(await players[client]?.act(step, n));
    }
    await settle();
    for (const player of players) results.push(await player.end());
    return { results, counts, said: Object.fromEntries(players.flatMap((player, n) => player.said(n))) };
  } finally {
    for (const player of players) player.stop();
  }
}

/** One stock client and its namespaces. */
class Player {
  readonly #main: Socket;
  readonly #isPush: boolean;
  readonly #sockets = new Map<Name, Socket>();
  readonly #said = new Map<Name, [rooms: string, heard: unknown][]>();
  /** How many events it has heard. */
  heard = 0;

  constructor(url: URL, key: string, options: (typeof CLIENTS)[number]) {
    this.#isPush = options.transports?.includes("websocket") === true;
    this.#main = io(url.href, {
      forceNew: true,
      autoConnect: false,
      reconnection: false,
      query: { key },
      ...options,
    });
    this.#listen("/", this.#main);
  }

  #listen(nsp: Name, socket: Socket): void {
    this.#sockets.set(nsp, socket);
    socket.on("said", (rooms: string, ...heard: unknown[]) => {
      // A client that polls has no request for a moment after each answer, and a volatile event passes over it then.
      if (rooms.startsWith(PASSING) && !this.#isPush) return;
      this.heard += 1;
      const all = this.#said.get(nsp) ?? [];
      this.#said.set(nsp, [...all, [rooms, heard]]);
    });
    socket.on("question", (question: unknown, ack: (answer: unknown) => void) => ack([question]));
  }

  async connect(nsp: Name, auth: object): Promise<unknown> {
    let socket = this.#sockets.get(nsp);
    if (socket === undefined) {
      socket = this.#main.io.socket(nsp);
      this.#listen(nsp, socket);
    }
    if (socket.connected) return "connected already";
    socket.auth = auth;
    const hello = heard(socket, "hello");
    const refused = heard(socket, "connect_error");
    // The transport may have ended with the last namespace.
    if (!socket.active) socket.connect();
    const result = await Promise.race([hello, refused]);
    socket.off("hello").off("connect_error");
    const [first] = result;
    return first instanceof Error
      ? ["refused", first.message, (first as Error & { data?: unknown }).data]
      : ["hello", first, socket.connected];
  }

  async act(step: Step, n: number): Promise<unknown> {
    if (step.do === "connect") return this.connect(step.nsp, step.auth);
    const socket = this.#sockets.get(step.nsp);
    if (socket === undefined || !socket.connected) return "not connected";
    switch (step.do) {
      case "ask":
        return answer(socket, step.event, ...step.args);
      case "emit": {
        const { event, rooms, except, args } = step;
        const key = (event === "passing" ? PASSING : "") + JSON.stringify(rooms.toSorted());
        return answer(socket, event, rooms, ...(event === "room" ? [except] : []), key, n, ...args);
      }
      case "question":
        return answer(socket, "ask me", n, 30_000);
      case "leave":
        socket.disconnect();
        return "left";
      case "throw away": {
        const others = step.close
          ? [...this.#sockets.values()].filter(({ connected }) => connected)
          : [socket];
        const reasons = Promise.all(others.map((one) => heard(one, "disconnect")));
        socket.emit("throw away", step.close);
        return (await reasons).map(([reason]) => reason);
      }
    }
  }

  /** Resolves when everything has come that the server has sent to this client until now. */
  async echo(): Promise<void> {
    const connected = [...this.#sockets.values()].find((socket) => socket.connected);
    if (connected !== undefined) await answer(connected, "echo");
  }

  /** The answers of all namespaces, after everything that was sent to them. */
  async end(): Promise<unknown> {
    const connected = [...this.#sockets].filter(([, socket]) => socket.connected);
    return Promise.all(connected.map(async ([nsp, socket]) => [nsp, await answer(socket, "count")]));
  }

  said(client: number): [string, Record<string, unknown[]>][] {
    return [...this.#said].map(([nsp, all]) => {
      const byRooms: Record<string, unknown[]> = {};
      for (const [rooms, one] of all) (byRooms[rooms] ??= []).push(one);
      return [`${client} ${nsp}`, byRooms];
    });
  }

  stop(): void {
    for (const socket of this.#sockets.values()) socket.disconnect();
    this.#main.io.engine?.close();
  }
}

const heard = (socket: Socket, event: string): Promise<unknown[]> =>
  new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args)));

const answer = (socket: Socket, event: string, ...args: unknown[]): Promise<unknown[]> =>
  new Promise((resolve) => socket.emit(event, ...args, (...answers: unknown[]) => resolve(answers)));
