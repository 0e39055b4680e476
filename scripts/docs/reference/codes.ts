import {
  DISCONNECTS,
  ERRORS,
  UNSUBSCRIBES,
  type DisconnectName,
  type ErrorName,
} from "../../../src/centrifuge/codes.ts";
import type { EndReason } from "../../../src/shard/connections/end-reasons.ts";
import type { UnsubscribeReason } from "../../../src/shard/wire.ts";
import { CLOSES, REASONS } from "../../../src/socketio/codes.ts";
import { cell, code, page, table } from "../markdown.ts";

/** What a code means to whoever sees it, and what to do. A code without a text does not compile. */
type Text = readonly [meaning: string, advice: string];

const ERROR_TEXTS: Record<ErrorName, Text> = {
  internal: [
    "A call inside the cluster, or a hook, failed or took too long. The result is unknown.",
    "A stock client repeats a connect or subscribe by itself. Repeat a publish under its idempotency key. If it stays, read the Worker's log.",
  ],
  unauthorized: [
    "The client has no identity, and anonymous clients are refused.",
    "Give the client a token.",
  ],
  unknownChannel: [
    "The channel's namespace is not configured (the part before the colon).",
    "Add a variable `RINGCAST_NS_<name>`, or correct the channel's name.",
  ],
  permissionDenied: [
    "The namespace, or the name of the channel, does not permit this to the client.",
    "Set an `allow_...` option of the namespace, give the client a subscription token, or grant it in a hook.",
  ],
  methodNotFound: ["The server API has no such method.", "Correct the method's name."],
  alreadySubscribed: ["The client is subscribed to the channel.", "Use the subscription that exists."],
  limitExceeded: [
    "A limit of the cluster: channels of a client, the size of an answer, the length of a name.",
    "Ask for less, or raise the limit ([Limits](../limits.md#every-limit)).",
  ],
  badRequest: [
    "A field has a wrong type or value; the message says which. Data that does not fit the channel's schema ends here, too.",
    "Correct the request. Repeating it is no use.",
  ],
  notAvailable: [
    "The namespace has this function switched off, for example presence or history.",
    "Switch it on in the namespace.",
  ],
  tokenExpired: [
    "The connection's or subscription's token has ended.",
    "A stock client calls `getToken` and goes on. Give it one.",
  ],
  expired: [
    "The subscription or connection has ended by its time.",
    "Subscribe or connect anew with a new token.",
  ],
  tooManyRequests: [
    "The client sends commands, or names new channels, faster than its limit.",
    "Send less. A stock client repeats a subscribe later.",
  ],
  unrecoverablePosition: [
    "The channel cannot prove that nothing is missing since the position.",
    "Load the state anew and begin without a position.",
  ],
};

const DISCONNECT_TEXTS: Record<DisconnectName, Text> = {
  serverError: [
    "Something failed inside the cluster.",
    "If many clients see it, read the log of the Worker.",
  ],
  expired: [
    "The token of the connection has ended and was not refreshed in time.",
    "Give the client a `getToken` that works.",
  ],
  subscriptionExpired: [
    "The token of a subscription has ended and was not refreshed in time.",
    "Give the subscription a `getToken` that works.",
  ],
  slow: [
    "The client reads more slowly than its channels speak: too many bytes wait for it.",
    "Send less to such clients. The limit is `limits.queuedBytes`.",
  ],
  insufficientState: [
    "The shard has lost its place in a channel, and the client begins anew there.",
    "None: rare, after a fault.",
  ],
  noPong: [
    "The client has not answered a ping. Its network, or its device, is gone or asleep.",
    "None: usual on phones.",
  ],
  tooManyRequests: [
    "The client has sent far more than its limits.",
    "Find the loop in the client. The limits begin with `limits.commandsPerSecond`.",
  ],
  invalidToken: [
    "The token is wrong: its signature, audience, issuer, or a user that is not the connection's.",
    "Compare the back end's secret with `TOKEN_HMAC_SECRET`. After a change of the secret keep the old one as `TOKEN_HMAC_SECRET_PREVIOUS`.",
  ],
  badRequest: [
    "The client has sent something that is not the protocol, or has no token where one is needed.",
    "Give the client a token. An own client: compare it with the protocol.",
  ],
  stale: ["The connection sent no `connect` in time.", "None for stock clients. Many of them are scanners."],
  forced: [
    "A back end, or an operator, has ended the sessions of this user.",
    "Connect again only when the user wants to.",
  ],
  connectionLimit: ["The user has too many connections.", "Close one, or raise `limits.connectionsPerUser`."],
  channelLimit: [
    "The token or a hook names more channels than one client may have.",
    "Name fewer. The limit is `limits.channelsPerClient`.",
  ],
  permissionDenied: [
    "The verified user is not the key of the connection (`affinity.userIsKey`).",
    "Connect with `?key=` of the user.",
  ],
  notAvailable: [
    "The client used a command that this deployment does not answer.",
    "Remove the call, or add the hook.",
  ],
  messageTooBig: [
    "A frame of the client is larger than the limit.",
    "Send less at once. The limit is `limits.frameBytes`.",
  ],
  moved: [
    "The ring has changed, and another shard has this client now. Nothing is wrong and nothing is lost.",
    "None: a stock client is back within seconds and gets what it missed.",
  ],
};

const UNSUBSCRIBE_TEXTS: Record<UnsubscribeReason, Text> = {
  server: ["A back end has ended the subscription.", "Subscribe again only when the user wants to."],
  insufficientState: [
    "The channel has lost its continuity.",
    "None: a stock client subscribes again at once.",
  ],
  expired: ["The token of the subscription has ended.", "None with a `getToken` of the subscription."],
};

/** Codes that the platform gives, not Ringcast. */
const OTHERS: readonly (readonly [code: string, Text])[] = [
  [
    "1006",
    [
      "No close frame came: the network has gone, the shard crashed, or a deployment replaced it.",
      "None: a stock client comes back and gets what it missed. See [Incidents](../operate/incidents.md).",
    ],
  ],
  [
    "HTTP 503",
    [
      "The cluster has no room, or a shard does not answer, and the upgrade is refused.",
      "None: a stock client tries again, ever more rarely. See [Incidents](../operate/incidents.md).",
    ],
  ],
  [
    "HTTP 429",
    [
      "Too many clients connect from one address, such as an office; or an API is called too often.",
      "None: a stock client tries again. Where many users share an address, raise `UPGRADE_RATE_LIMIT`.",
    ],
  ],
  ["HTTP 403", ["The page's origin is not allowed.", "Add it to `allowedOrigins`."]],
  ["HTTP 401", ["The API key is absent or wrong.", "Send `X-API-Key`."]],
];

/** A stock client reconnects after these (docs/protocol.md C33). */
const comesBack = (one: number): boolean =>
  (one < 3_000 && one !== 1_009) || (one >= 3_000 && one < 3_500) || (one >= 4_000 && one < 4_500);

const names = <T extends object>(codes: T): (keyof T & string)[] =>
  Object.keys(codes) as (keyof T & string)[];

/** docs/reference/codes.md */
export function codesPage(): string {
  return page(
    "Codes",
    "src/centrifuge/codes.ts and src/socketio/codes.ts",
    `A code from 100 to 1999 is an error: one command failed, and the connection goes on. A code from 3000 on closes the
connection. The ranges are the law: a stock client comes back after 3000 to 3499 and 4000 to 4499, and stops after 3500 to
3999 and 4500 to 4999. Codes of your own hooks are the ones that you chose.`,
    "## Closes",
    table(
      ["code", "reason", "comes back", "what it means", "what to do"],
      names(DISCONNECTS).map((name) => {
        const { code: one, reason } = DISCONNECTS[name];
        const [meaning, advice] = DISCONNECT_TEXTS[name];
        return [String(one), code(reason), comesBack(one) ? "yes" : "no", cell(meaning), cell(advice)];
      }),
    ),
    "## Without a code of Ringcast",
    table(
      ["code", "what it means", "what to do"],
      OTHERS.map(([one, [meaning, advice]]) => [one, cell(meaning), cell(advice)]),
    ),
    "## Errors",
    table(
      ["code", "message", "what it means", "what to do"],
      names(ERRORS).map((name) => {
        const { code: one, message } = ERRORS[name];
        const [meaning, advice] = ERROR_TEXTS[name];
        return [String(one), code(message), cell(meaning), cell(advice)];
      }),
    ),
    "## Ends of a subscription",
    table(
      ["code", "reason", "what it means", "what to do"],
      names(UNSUBSCRIBES).map((name) => {
        const { code: one, reason } = UNSUBSCRIBES[name];
        const [meaning, advice] = UNSUBSCRIBE_TEXTS[name];
        return [String(one), code(reason), cell(meaning), cell(advice)];
      }),
    ),
    "## Socket.IO",
    "A stock client reports `transport close` for each of these closes, and comes back. The handlers of the server hear the words of the last column.",
    table(
      ["code", "reason of the close", "reason that handlers hear"],
      (names(CLOSES) as EndReason[]).map((name) => [
        String(CLOSES[name].code),
        code(CLOSES[name].reason),
        code(REASONS[name]),
      ]),
    ),
  );
}
