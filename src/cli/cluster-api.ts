import { Failure, Refusal } from "./failure.ts";

/** No answer of the cluster takes longer, also where it asks a thousand shards. */
const PATIENCE_MS = 60_000;
/** A proxy may answer with a whole page. */
const REASON_CHARS = 300;
/** Centrifugo's `internal` and `too many requests`: another attempt may go well. */
const TEMPORARY: ReadonlySet<number | undefined> = new Set([100, 111]);

export type ShardRow = {
  readonly id: string;
  readonly region: string;
  readonly weight: number;
  readonly state: "active" | "draining" | "down" | "leaving";
  /** 0 to 1. */
  readonly share: number;
  readonly sessions: number | null;
  readonly channels: number | null;
  readonly reachable: boolean;
};
export type ClusterState = {
  readonly ringEpoch: number;
  readonly digest: string;
  readonly defaultRegion: string;
  /** Shards that have not heard of the newest epoch yet. */
  readonly untold: readonly string[];
  readonly shards: readonly ShardRow[];
};
export type ChangeAnswer = {
  readonly changed: boolean;
  readonly wouldChange?: boolean;
  readonly dryRun: boolean;
  readonly ringEpoch: number;
  readonly cause: string;
  readonly shards: readonly { readonly id: string; readonly state: string; readonly weight: number }[];
  readonly predicted: { readonly moving: number; readonly unknown: readonly string[] };
};

/** The HTTP interfaces of one cluster. Each method throws a {@link Failure} that says what is wrong, and where. */
export class ClusterApi {
  readonly url: URL;
  readonly #key: string;

  /** `url`: of the cluster, with its base path where it has one. */
  constructor(url: URL, key: string) {
    this.url = url;
    this.#key = key;
  }

  /** The address that a client connects to. */
  endpoint(affinityKey: string): string {
    const address = this.#addressOf("/connection/websocket");
    address.protocol = this.url.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("key", affinityKey);
    return address.href;
  }

  state = (): Promise<ClusterState> => this.admin("GET", "/cluster");

  /** A request to the operator's API. */
  async admin<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const { status, json, text } = await this.#request(method, `/admin/api${path}`, body);
    if (status < 300) return json as Answer;
    throw this.#refused(`${method} ${path}`, status, errorOf(json)?.message ?? text);
  }

  /** A method of the server API. */
  async command<Result>(method: string, params: object): Promise<Result> {
    const { status, json, text } = await this.#request("POST", `/api/${method}`, params);
    const { result } = (json ?? {}) as { readonly result?: Result };
    const error = errorOf(json);
    if (status < 300 && result !== undefined) return result;
    if (error?.message === undefined) throw this.#refused(method, status, text);
    const reason = `${method}: ${error.message} (${error.code})`;
    throw TEMPORARY.has(error.code) ? new Failure(reason) : new Refusal(reason);
  }

  /** Commands of the server API in one request. Each reply has a result of its own, or an error. */
  async batch(
    commands: readonly object[],
  ): Promise<{ readonly replies: readonly { readonly error?: { readonly message: string } }[] }> {
    const { status, json, text } = await this.#request("POST", "/api/batch", { commands });
    if (status >= 300) throw this.#refused("batch", status, errorOf(json)?.message ?? text);
    return json as { replies: { error?: { message: string } }[] };
  }

  async #request(
    method: string,
    path: string,
    body: object | undefined,
  ): Promise<{ readonly status: number; readonly json: unknown; readonly text: string }> {
    const address = this.#addressOf(path);
    let response: Response;
    let text: string;
    try {
      response = await fetch(address, {
        method,
        headers: {
          "x-api-key": this.#key,
          "x-ringcast-by": "ringcast command",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      text = await response.text();
    } catch (error) {
      throw new Failure(`${this.url.origin} does not answer: ${causeOf(error)}`);
    }
    const json = parsed(text);
    // An application answers so below its own paths; each error of a cluster has a text of its own.
    if (response.status === 404 && errorOf(json) === undefined)
      throw new Failure(
        `there is no cluster at ${this.url.href}: one that is mounted below a path has an address like ${this.url.origin}/realtime`,
      );
    return { status: response.status, json, text };
  }

  #addressOf(path: string): URL {
    return new URL(this.url.pathname.replace(/\/+$/u, "") + path, this.url.origin);
  }

  #refused(what: string, status: number, message: string): Failure {
    if (status === 401 || status === 403)
      return new Failure(
        `${this.url.origin} does not take the key: give its API_KEY with --key or in RINGCAST_API_KEY${
          message === "" ? "" : ` (${message})`
        }`,
      );
    return new Failure(
      `${what}: ${message === "" ? "no reason given" : message.slice(0, REASON_CHARS)} (HTTP ${status})`,
    );
  }
}

/** `fetch` hides why a connection failed in the cause of its error. */
function causeOf(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}

const errorOf = (json: unknown): { readonly code?: number; readonly message?: string } | undefined =>
  ((json ?? {}) as { readonly error?: { readonly code?: number; readonly message?: string } }).error;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
