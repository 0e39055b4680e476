import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { WaitingEvents as Waiting } from "../../contracts/log.ts";
import { eventQueues } from "../data/health.ts";
import { tick } from "../data/pulses.ts";
import { clusterTime } from "../data/store.ts";
import { lookForWaiting, waitingLook, waitingProblem, type WaitingLook } from "../data/waiting-events.ts";
import { age, count } from "../model/format.ts";
import { hashOf } from "../model/route.ts";
import { Panel, ShardName } from "./parts.tsx";

/** What waits for the application: shards tell it by themselves, all others are asked. */
export function WaitingEvents() {
  // The age grows with the clock.
  void tick.value;
  useEffect(() => void lookForWaiting(), []);
  const look = waitingLook.value;
  const shards = eventQueues.value;
  const [coordinator, channels] = [look?.coordinator ?? null, look?.channels ?? []];
  const isCoordinatorShown = coordinator !== null && coordinator.waiting + coordinator.dropped > 0;
  const isEmpty = shards.length === 0 && channels.length === 0 && !isCoordinatorShown;
  return (
    <Panel
      name="queues"
      title="Waiting events"
      aside={
        <button type="button" class="small" onClick={() => void lookForWaiting()}>
          Ask again
        </button>
      }
    >
      {waitingProblem.value !== undefined && (
        <p class="notice bad" role="alert">
          {waitingProblem.value}
        </p>
      )}
      {isEmpty ? (
        <p class="empty">
          {look !== undefined && countSilent(look) === 0 && waitingProblem.value === undefined
            ? "No event waits for a hook or the webhook."
            : "No event of a shard waits for a hook or the webhook."}
        </p>
      ) : (
        <div class="scroll tall" tabIndex={0} role="group" aria-label="Table of waiting events">
          <table>
            <thead>
              <tr>
                <th scope="col">Where</th>
                <th scope="col" class="number">
                  Waiting
                </th>
                <th scope="col" class="number">
                  Oldest
                </th>
                <th scope="col" class="number" title="Since the object came to life: its queue was full">
                  Dropped
                </th>
              </tr>
            </thead>
            <tbody>
              {isCoordinatorShown && (
                <Row name="coordinator" events={coordinator}>
                  Coordinator
                </Row>
              )}
              {shards.map(({ shard, ...events }) => (
                <Row key={shard} name={shard} events={events}>
                  <ShardName shard={shard} />
                </Row>
              ))}
              {channels.map(({ channel, ...events }) => (
                <Row key={`channel ${channel}`} name={channel} events={events}>
                  <a class="mono" href={hashOf({ page: "channels", item: channel })}>
                    {channel}
                  </a>
                </Row>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="hint" data-testid="asked">
        Shards tell their events by themselves. {look === undefined ? unaskedText() : askedText(look)}
      </p>
    </Panel>
  );
}

const unaskedText = (): string =>
  waitingProblem.value === undefined ? "Asking the channels …" : "The channels could not be asked.";

function askedText(look: WaitingLook): string {
  const { at, asked, truncated } = look;
  const of = truncated ? "the channels with the most clients" : "the channels with clients";
  const silent = countSilent(look);
  const without = silent === 0 ? "" : `; ${count(silent)} did not answer`;
  return `The coordinator and ${of} (${count(asked)}) were asked ${age(Date.now() - at)} ago${without}.`;
}

/** Objects that have not answered: a shard would have said which channels there are to ask. */
const countSilent = ({ coordinator, unreachable, silentShards }: WaitingLook): number =>
  unreachable.length + silentShards.length + (coordinator === null ? 1 : 0);

/** Shards do not tell when their oldest event was. */
type RowEvents = Omit<Waiting, "oldestAt"> & Partial<Waiting>;

function Row(props: {
  readonly name: string;
  readonly events: RowEvents;
  readonly children: ComponentChildren;
}) {
  const { waiting, dropped, oldestAt = null } = props.events;
  return (
    <tr data-queue={props.name}>
      <th scope="row">{props.children}</th>
      <td class="number">{count(waiting)}</td>
      <td class="number">{oldestAt === null ? "–" : age(clusterTime() - oldestAt)}</td>
      <td class={`number ${dropped > 0 ? "behind" : ""}`}>{count(dropped)}</td>
    </tr>
  );
}
