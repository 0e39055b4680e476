import type { ClusterConfig } from "../config/cluster.ts";
import type { Session } from "./connections/session.ts";
import { pingAll, sweep } from "./connections/sweep.ts";
import type { Duty, Floors } from "./floors.ts";
import type { Wire } from "./wire.ts";

/** Runs one duty of the shard's alarm at `now`; answers when it is next due. `dueAt`: its appointment. */
export async function runDuty(
  duty: Duty,
  { now, dueAt }: { readonly now: number; readonly dueAt: number },
  parts: { readonly floors: Floors; readonly times: ClusterConfig["times"]; readonly wire: Wire },
): Promise<number | undefined> {
  const { floors, times, wire } = parts;
  const { connections, emptyChannels, events, moves, subscriptions } = floors;
  switch (duty) {
    case "ping": {
      pingAll(
        { connections, times, heartbeat: wire.heartbeat },
        { now, previousPingAt: dueAt - times.pingIntervalMs },
      );
      moves.reports.look(now);
      moves.regionGuests.look(now);
      if (connections.sessions.size > 0) return now + times.pingIntervalMs;
      // Nobody is left whose time could run out (SPEC BD52).
      await floors.timetable.set("sweep", undefined);
      return undefined;
    }
    case "sweep": {
      const endSubscription = (session: Session, channel: string): void => {
        subscriptions.leave(session, channel);
        const notice = { kind: "unsubscribed", channel, why: "expired" } as const;
        connections.send(session, wire.encodeNotice(session, notice));
      };
      return sweep({ connections, times, endSubscription }, now);
    }
    case "moves":
    case "report":
    case "guests":
      return moves.run(duty, now);
    case "events":
      return events.run(now);
    case "vacancies":
      return emptyChannels.run(now);
    case "front":
      return floors.service.run?.(now);
    case "lost":
      return floors.sessionRows.settle(now);
  }
}
