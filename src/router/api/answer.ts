import { ERRORS } from "../../centrifuge/codes.ts";

/** The answer of a method of the server API, in Centrifugo's form (docs/protocol.md C41). */
export type Answer = Success | Failure;
export type Success = { readonly result: object };
export type Failure = { readonly error: { readonly code: number; readonly message: string } };

/** The errors of the API, and their HTTP statuses where the caller asks for transport mode (docs/protocol.md C42). */
const STATUS = {
  internal: 500,
  unknownChannel: 404,
  methodNotFound: 404,
  limitExceeded: 400,
  badRequest: 400,
  notAvailable: 400,
  unrecoverablePosition: 416,
  conflict: 409,
} as const;
const CODES = { ...ERRORS, conflict: { code: 113, message: "conflict" } } as const;
export type ApiErrorName = keyof typeof STATUS;

/** A result that is JSON text already. */
export class JsonResult {
  readonly json: string;
  constructor(json: string) {
    this.json = json;
  }
}

export const encodeResult = (result: object): string =>
  result instanceof JsonResult ? result.json : JSON.stringify(result);

/** A result as a value. */
export const resultValue = (result: object): unknown =>
  result instanceof JsonResult ? JSON.parse(result.json) : result;

export const encodeAnswer = (answer: Answer): string =>
  "error" in answer ? JSON.stringify(answer) : `{"result":${encodeResult(answer.result)}}`;

export const ok = (result: object): Success => ({ result });

/** `detail` names the problem where the code alone is too general. */
export function fail(name: ApiErrorName, detail?: string): Failure {
  const { code, message } = CODES[name];
  return { error: { code, message: detail === undefined ? message : `${message}: ${detail}` } };
}

const STATUS_BY_CODE = new Map(
  (Object.keys(STATUS) as ApiErrorName[]).map((name) => [CODES[name].code as number, STATUS[name]]),
);

/** The errors that each HTTP status stands for, as text. */
export const MEANINGS: ReadonlyMap<number, string> = new Map(
  [...new Set(Object.values(STATUS))].map((status) => [
    status,
    (Object.keys(STATUS) as ApiErrorName[])
      .filter((name) => STATUS[name] === status)
      .map((name) => `${CODES[name].code} ${CODES[name].message}`)
      .join(", "),
  ]),
);

export const statusOf = (code: number): (typeof STATUS)[ApiErrorName] => STATUS_BY_CODE.get(code) ?? 500;
