import {
  PULSE_CHANNELS,
  PULSE_CODES,
  type ChannelCount,
  type CodeKind,
  type Pulse,
} from "../../contracts/live.ts";

/** So many channels are counted between two pulses. A shard that delivers to more in a second shows some of them. */
const MAX_CHANNELS = 4_096;

/** What the pulses of a watched shard say of its channels and of its codes (SPEC OP21, OP22). All of it is bounded. */
export class PulseCounts {
  #channels = new Map<string, { publications: number; deliveries: number }>();
  #codes = new Map<CodeKind, Map<string, number>>();

  deliver(channel: string, { publications, sessions }: { publications: number; sessions: number }): void {
    const known = this.#channels.get(channel);
    if (known !== undefined) {
      known.publications += publications;
      known.deliveries += publications * sessions;
    } else if (this.#channels.size < MAX_CHANNELS)
      this.#channels.set(channel, { publications, deliveries: publications * sessions });
  }

  code(kind: CodeKind, code: string | number, count = 1): void {
    const ofKind = this.#codes.get(kind) ?? new Map<string, number>();
    this.#codes.set(kind, ofKind);
    const name = ofKind.has(String(code)) || ofKind.size < PULSE_CODES ? String(code) : "other";
    ofKind.set(name, (ofKind.get(name) ?? 0) + count);
  }

  /** Answers with the counts since the last call, and begins anew. */
  take(): Pick<Pulse, "busiest" | "codes"> {
    const busiest = [...this.#channels]
      .map(([channel, counts]): ChannelCount => ({ channel, ...counts }))
      .toSorted((a, b) => b.deliveries - a.deliveries)
      .slice(0, PULSE_CHANNELS);
    const codes = [...this.#codes].flatMap(([kind, counts]) =>
      [...counts].map(([code, count]) => ({ kind, code, count })),
    );
    this.#channels = new Map();
    this.#codes = new Map();
    return { ...(busiest.length === 0 ? {} : { busiest }), ...(codes.length === 0 ? {} : { codes }) };
  }
}
