import type { ChangeResult, PredictedMoves } from "../../contracts/membership.ts";
import type { ShardSpec } from "../../ring/descriptor.ts";
import { key } from "./session.ts";

/** A refusal of the cluster, in its own words. */
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
  readonly state: "active" | "draining" | "leaving";
  readonly share: number;
  readonly sessions: number | null;
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

export type WatchTokens = {
  readonly access: "full" | "read";
  readonly development: boolean;
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
  /** What follows is absent where the broadcast channel keeps nothing. */
  readonly delivered?: number;
  readonly calls?: number;
  readonly ms?: number;
  readonly shards?: readonly ShardOutcome[];
  readonly offline?: readonly string[];
};

/** A change of the ring, as the operator's API takes it. */
export type ChangeRequest = {
  readonly method: "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
};

/** Calls the operator's API. Throws `ApiError`, also where the cluster cannot be reached. */
export async function admin<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await send(method, `/admin/api${path}`, body);
  if (response.status >= 400) throw refusal(response.status, response.body);
  return response.body as Answer;
}

/** Calls a method of the server's API. */
export async function server<Answer>(method: string, body: unknown): Promise<Answer> {
  const response = await send("POST", `/api/${method}`, body);
  if (response.status >= 400 || hasError(response.body)) throw refusal(response.status, response.body);
  return (response.body as { result: Answer }).result;
}

export function plan({ method, path, body }: ChangeRequest): Promise<ChangeResult> {
  if (method === "DELETE") return admin(method, `${path}?dryRun=true`);
  return admin(method, path, { ...body, dryRun: true });
}

export const carryOut = ({ method, path, body }: ChangeRequest): Promise<ChangeResult> =>
  admin(method, path, method === "DELETE" ? undefined : body);

async function send(method: string, path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        "x-api-key": key.value,
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
    throw new ApiError(response.status, "unreadable", `the cluster answered ${response.status}`);
  }
}

type ErrorBody = { readonly error: { readonly code: string | number; readonly message: string } };

const hasError = (body: unknown): body is ErrorBody =>
  typeof body === "object" && body !== null && "error" in body;

function refusal(status: number, body: unknown): ApiError {
  if (!hasError(body)) return new ApiError(status, "unknown", `the cluster answered ${status}`);
  return new ApiError(status, body.error.code, body.error.message);
}
