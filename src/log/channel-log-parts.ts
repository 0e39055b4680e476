import type { Config } from "../config/config.ts";
import type { NamespaceConfig } from "../config/namespace.ts";
import type { ShardAddress } from "../contracts/address.ts";
import type { UntoldUsage } from "./untold-usage.ts";
import type { Failures } from "../platform/failures.ts";
import type { Timetable } from "../platform/timetable.ts";

/** The duties that a log gives to its object's alarm. */
export type LogDuty = "deliver" | "expire";

export type ChannelLogParts = {
  readonly ctx: DurableObjectState;
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly name: string;
  /** Undefined where it is not configured: then nothing is kept. */
  readonly namespace: NamespaceConfig | undefined;
  readonly timetable: Pick<Timetable<LogDuty>, "at" | "arm" | "isArmed">;
  /** A shard has every publication up to an offset, and gave the last of them to so many sessions. */
  readonly onHeard?: (shard: ShardAddress, offset: number, sessions: number) => void;
  /** In the transaction of the append, which is undone where it throws. `offset`: null where nothing is kept. */
  readonly onPublished?: ((body: string, offset: number | null) => void) | undefined;
  /** The calls to shards that the object has seen fail; told with its deliveries. Undefined: it makes no other calls. */
  readonly failures?: Failures;
  /** Undefined where the object reports its usage itself. */
  readonly usage?: UntoldUsage;
  /** A registration has ended. */
  readonly onForgotten?: () => void;
};
