import { CentClient } from "cent.js";
import { z } from "zod";
import { API_KEY } from "./cluster.ts";

type Schema = { [keyword: string]: unknown };
type Document = { paths: Record<string, { post: { responses: Record<string, Schema> } }> };

/** An answer of `POST /api/<method>`. */
export type Seen = { readonly method: string; readonly status: number; readonly body: unknown };

/** The server API of a cluster, by raw requests and by `cent.js`. It keeps every answer in `seen`. */
export class Api {
  readonly url: URL;
  readonly seen: Seen[] = [];
  readonly #fetch = globalThis.fetch;

  /** Watches the requests of this process and of the library until `stop`. */
  constructor(url: URL) {
    this.url = new URL("/api", url);
    globalThis.fetch = async (...request) => {
      const response = await this.#fetch(...request);
      const path = new URL(response.url).pathname;
      if (path.startsWith("/api/") && response.status === 200) {
        const body = await response.clone().text();
        if (!path.endsWith(".json"))
          this.seen.push({ method: path.slice(5), status: 200, body: JSON.parse(body) });
      }
      return response;
    };
  }

  stop(): void {
    globalThis.fetch = this.#fetch;
  }

  /** A client of the unmodified library. */
  cent(apiKey: string = API_KEY): CentClient {
    return new CentClient({ url: this.url.href, apiKey });
  }

  /** A raw request; `path` begins after `/api`. */
  post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url.href}${path}`, { method: "POST", headers, body });
  }

  async call(method: string, params: object = {}, headers: Record<string, string> = {}): Promise<any> {
    return (
      await this.post(`/${method}`, JSON.stringify(params), { "x-api-key": API_KEY, ...headers })
    ).json();
  }

  /** The schema of the answers of each method, from the served document. A field outside the schema fails. */
  async schemas(): Promise<Map<string, z.ZodType>> {
    const document = (await (await fetch(`${this.url.href}/openapi.json`)).json()) as Document;
    return new Map(
      Object.entries(document.paths).map(([path, { post }]) => {
        const answer = post.responses["200"] as { content: Record<string, { schema: Schema }> };
        const { schema } = answer.content["application/json"] as { schema: Schema };
        return [path.slice(1), z.fromJSONSchema(closed(schema) as Schema)] as const;
      }),
    );
  }
}

/** The same schema, in which every object takes only the properties that it names. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inside = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]));
  return "properties" in inside && !("additionalProperties" in inside)
    ? { ...inside, additionalProperties: false }
    : inside;
}
