import type { ClientEvent } from "../../src/contracts/publication.ts";
import type { Close } from "../../src/contracts/refusal.ts";
import { logError } from "../../src/platform/logger.ts";
import { parseChannel, type ChannelName } from "../../src/policy/channels.ts";
import { planSubscribe } from "../../src/policy/permissions.ts";
import type { EndReason } from "../../src/shard/connections/end-reasons.ts";
import type { Open, Session, Subscription } from "../../src/shard/connections/session.ts";
import type { Core, Front, Service } from "../../src/shard/front.ts";
import type { Batch, BatchFrames, Notice, Wire } from "../../src/shard/wire.ts";
import type { Wishes } from "../../src/shard/subscriptions/join.ts";
import type { Start } from "../../src/shard/subscriptions/start.ts";

/**
 * A second front, for tests: a protocol of lines (SPEC FR1). A frame is one line or more.
 *
 * | client | server |
 * |---|---|
 * | `hello <user> [<epoch> <offset>]` (the position is in the broadcast channel) | `welcome <id>` |
 * | `join <channel> [<epoch> <offset>]` | `joined <channel> <epoch> <offset> recovered\|new`, then the missed events |
 * | | `event <channel> <offset> <json>`, `left <channel> <why>`, `message <json>`, `refused <what> <why>` |
 * | `.` | `,` |
 *
 * The server's ping is `.` too. A channel without history has `-` in place of an epoch or an offset.
 */
export function lineFront(): Front {
  return { name: "line", wire, serve: (core) => ({ frame: serve(core) }) };
}

/** One close code for each reason of the core. The codes differ from those of the other front. */
export const LINE_CLOSES = {
  serverError: { code: 4900, reason: "server error" },
  badRequest: { code: 4901, reason: "not a line of this protocol" },
  expired: { code: 4902, reason: "expired" },
  subscriptionExpired: { code: 4903, reason: "subscription expired" },
  slow: { code: 4904, reason: "slow" },
  insufficientState: { code: 4905, reason: "begin anew" },
  noPong: { code: 4906, reason: "no pong" },
  stale: { code: 4907, reason: "no hello" },
  messageTooBig: { code: 4908, reason: "line too long" },
  tooManyRequests: { code: 4910, reason: "too many lines" },
  moved: { code: 4909, reason: "moved" },
} as const satisfies Record<EndReason, Close>;

const wire: Wire = {
  heartbeat: { ping: ".", pong: ".", absorb: "," },
  subprotocol: () => undefined,
  encodeBatch,
  encodeNotice: (_session, notice) => encodeNotice(notice),
  closeFor: (why) => LINE_CLOSES[why],
};

/** Most listeners get the same text. A listener that began within the batch gets the rest of it. */
function encodeBatch({ channel, events, durable }: Batch): BatchFrames {
  const everything = encodeEvents(channel, events);
  return {
    frameFor(_session: Session, { since }: Subscription): string {
      if (!durable || since === undefined) return everything;
      return encodeEvents(
        channel,
        events.filter((event) => event.kind !== "pub" || event.offset > since),
      );
    },
  };
}

function encodeNotice(notice: Notice): string {
  switch (notice.kind) {
    case "message":
      return `message ${notice.data}`;
    case "subscribed":
      return encodeStart(notice.channel, notice.start);
    case "missed":
      return encodeMissed(notice.channel, notice.start);
    case "unsubscribed":
      return `left ${notice.channel} ${notice.why}`;
  }
}

function encodeStart(channel: string, start: Start): string {
  const { position, recovery, since } = start;
  const recovered = recovery?.kind === "resume";
  // A client that gets its missed publications goes on from its own position.
  const at = recovered && since !== undefined ? since.offset : position?.offset;
  const joined = `joined ${channel} ${position?.logEpoch ?? "-"} ${at ?? "-"} ${recovered ? "recovered" : "new"}`;
  const missed = encodeMissed(channel, start);
  return missed === "" ? joined : `${joined}\n${missed}`;
}

const encodeMissed = (channel: string, { recovery }: Start): string =>
  recovery?.kind === "resume" ? encodeEvents(channel, recovery.publications) : "";

const encodeEvents = (channel: string, events: readonly ClientEvent[]): string =>
  events
    .flatMap((event) => {
      if (event.kind === "join" || event.kind === "leave") return [];
      const { data } = JSON.parse(event.body) as { readonly data: unknown };
      const offset = event.kind === "pub" ? event.offset : "-";
      return [`event ${channel} ${offset} ${JSON.stringify(data)}`];
    })
    .join("\n");

/** Carries out the lines of one shard's clients. A line with an unknown command ends its session. */
function serve(core: Core): Service["frame"] {
  return async (session, line) => {
    if (typeof line !== "string") return core.connections.end(session, "badRequest");
    const [command, subject, logEpoch, offset] = line.split(" ");
    const wishes: Wishes =
      logEpoch === undefined || offset === undefined
        ? { recoverable: true }
        : { recoverable: true, since: { logEpoch, offset: Number(offset) } };
    if (command === "hello") return hello(core, session, { user: subject ?? "", wishes });
    if (command === "join") return join(core, session, { name: subject ?? "", wishes });
    core.connections.end(session, "badRequest");
  };
}

/** Lets a client in under the name that it gives. Broadcasts that arrive meanwhile come after the answer. */
async function hello(
  { broadcast, config, connections, counters }: Core,
  session: Session,
  { user, wishes }: { readonly user: string; readonly wishes: Wishes },
): Promise<void> {
  const opening = session.attachment;
  if (opening.state !== "opening") return connections.end(session, "badRequest");
  const { token: _token, identity: _identity, ...placed } = opening;
  const open: Open = { ...placed, state: "open", openedAt: Date.now(), user, subscriptions: new Map() };
  if (!connections.open(session, open)) return connections.end(session, "badRequest");
  connections.hold(session);
  const lines = [`welcome ${open.id}`];
  await broadcast.join(session, wishes, (start) => {
    lines.push(encodeStart(config.cluster.broadcast.channel, start));
  });
  if (session.ended) return;
  counters.counts.connects += 1;
  connections.release(session, lines.join("\n"));
}

async function join(
  { config, connections, subscriptions }: Core,
  session: Session,
  { name, wishes }: { readonly name: string; readonly wishes: Wishes },
): Promise<void> {
  const open = session.attachment;
  if (open.state !== "open") return connections.end(session, "badRequest");
  const channel = permitted(config, name, open);
  if (channel === undefined) return connections.send(session, `refused ${name} permission`);
  const request = { channel, user: open.user, wishes, subscription: {} };
  try {
    const joined = await subscriptions.join(session, request, (start) =>
      connections.send(session, encodeStart(name, start)),
    );
    if (joined === "full") connections.send(session, `refused ${name} full`);
  } catch (error) {
    logError("a channel could not be joined", { channel: name, session: open.id, error });
    connections.send(session, `refused ${name} silent`);
  }
}

function permitted(
  config: Core["config"],
  name: string,
  { user, subscriptions }: Open,
): ChannelName | undefined {
  const parsed = parseChannel(name, config.cluster.limits.channelBytes);
  if (!parsed.ok || subscriptions.has(name)) return undefined;
  const { channel } = parsed;
  return planSubscribe({ config, channel, user, granted: false }) === "allowed" ? channel : undefined;
}
