import type { ChangeResult, PredictedMoves } from "../../contracts/change.ts";
import type { ShardSpec } from "../../ring/descriptor.ts";
import type { ChangeRequest } from "../model/change-request.ts";
import { apiKey } from "./api-key.ts";
import { clusterUrl } from "../model/cluster-url.ts";

/** A failed call: the code and the message of the cluster, or of this page where the cluster gave none. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string | number;
  readonly status: number;

  constructor(status: number, code: string | number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type ShardRow = {
  readonly id: string;
  readonly region: string;
  readonly weight: number;
  readonly state: "active" | "draining" | "down" | "leaving";
  readonly share: number;
  readonly sessions: number | null;
  readonly guests: number | null;
  readonly channels: number | null;
  readonly ringEpochSeen: number | null;
  readonly seenAgeMs: number | null;
  readonly reachable: boolean;
};

export type ClusterView = {
  readonly ringEpoch: number;
  readonly digest: string;
  readonly seed: number;
  readonly defaultRegion: string;
  readonly untold: readonly string[];
  readonly shards: readonly ShardRow[];
};

export type EpochView = {
  readonly ringEpoch: number;
  readonly at: number;
  readonly cause: string;
  readonly by: string;
  readonly shards: readonly ShardSpec[];
  readonly predicted: PredictedMoves | null;
  readonly moved: number;
  readonly movedFrom: Readonly<Record<string, number>>;
};

type DiffView = NonNullable<ChangeResult["diff"]>;

/** The answer to a change, without the runs of slots. Only a dry run has `wouldChange`. */
export type ChangeView = Omit<ChangeResult, "diff"> & {
  readonly wouldChange?: boolean;
  readonly diff:
    | (Omit<DiffView, "moves"> & { readonly moves: readonly Omit<DiffView["moves"][number], "ranges">[] })
    | null;
};

export type WatchTokens = {
  readonly access: "full" | "read";
  readonly development: boolean;
  readonly socketioPath: string;
  readonly channel: string;
  readonly connection: string;
  readonly tokens: Readonly<Record<string, string>>;
  readonly expiresAt: number;
};

export type ShardOutcome = {
  readonly shard: string;
  readonly ok: boolean;
  readonly delivered: number;
  readonly ms: number;
  readonly pending?: boolean;
};

export type SendOutcome = {
  readonly mode?: string;
  readonly offset?: number;
  readonly epoch?: string;
  /** Absent, with the fields below, where the broadcast channel keeps no history. */
  readonly delivered?: number;
  readonly calls?: number;
  readonly ms?: number;
  readonly shards?: readonly ShardOutcome[];
  readonly offline?: readonly string[];
};

/** Calls the operator's API. Throws `ApiError`, also where the cluster cannot be reached. */
export async function callAdminApi<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await send(method, `admin/api${path}`, body);
  if (response.status >= 400) throw apiError(response.status, response.body);
  return response.body as Answer;
}

/** Calls a method of the server API. Throws `ApiError`, also where the cluster cannot be reached. */
export async function callServerApi<Answer>(method: string, body: unknown): Promise<Answer> {
  const response = await send("POST", `api/${method}`, body);
  if (response.status >= 400 || hasError(response.body)) throw apiError(response.status, response.body);
  return (response.body as { result: Answer }).result;
}

/** Calls a method of the HTTP API for Socket.IO, under the path of its clients. Throws `ApiError`. */
export async function callSocketIoApi(path: string, method: string, body: unknown): Promise<void> {
  const response = await send("POST", `${path.slice(1)}api/${method}`, body);
  if (response.status >= 400) throw apiError(response.status, response.body);
}

/** A dry run: the ring stays as it is. */
export const planChange = ({ method, path, body }: ChangeRequest): Promise<ChangeView> =>
  callAdminApi(method, `${path}?dryRun=true`, body);

export const makeChange = ({ method, path, body }: ChangeRequest): Promise<ChangeView> =>
  callAdminApi(method, path, body);

async function send(method: string, path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  let response: Response;
  try {
    response = await fetch(clusterUrl(location.href, path), {
      method,
      headers: {
        "x-api-key": apiKey.value,
        "x-ringcast-by": "console",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "unreachable", "the cluster cannot be reached");
  }
  const text = await response.text();
  try {
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  } catch {
    throw new ApiError(response.status, "unreadable", `the cluster answered with status ${response.status}`);
  }
}

type ErrorBody = { readonly error: { readonly code: string | number; readonly message: string } };

const hasError = (body: unknown): body is ErrorBody =>
  typeof body === "object" && body !== null && "error" in body;

function apiError(status: number, body: unknown): ApiError {
  if (!hasError(body)) return new ApiError(status, "unknown", `the cluster answered with status ${status}`);
  return new ApiError(status, body.error.code, body.error.message);
}

/** The text that the page shows for a failed call. */
export const messageOf = (error: unknown): string =>
  error instanceof ApiError ? error.message : `unexpected error: ${String(error)}`;
