import type { Curve } from "./plant.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

export type Scenario = {
  readonly about: string;
  readonly seconds: number;
  readonly curve: (clients: number) => Curve;
  /** When every client is disconnected at once, in seconds. */
  readonly losses: readonly number[];
};

/** The load curves of `npm run simulate -- --autoscale`. `clients`: the peak. */
export const CURVES: Readonly<Record<string, Scenario>> = {
  day: {
    about: "two days with a quiet night",
    seconds: 2 * DAY,
    curve: (clients) => (at) => ({ auto: (clients * (1 - 0.9 * Math.cos((2 * Math.PI * at) / DAY))) / 1.9 }),
    losses: [],
  },
  flash: {
    about: "a crowd that comes within ten minutes and stays for two hours",
    seconds: 8 * HOUR,
    curve: (clients) => (at) => {
      const crowd =
        Math.min(1, Math.max(0, (at - HOUR) / 600)) * Math.min(1, Math.max(0, (3 * HOUR - at) / 600));
      return { auto: clients * (0.02 + 0.98 * crowd) };
    },
    losses: [],
  },
  storm: {
    about: "steady load, and twice every client is disconnected at once",
    seconds: 6 * HOUR,
    curve: (clients) => () => ({ auto: clients }),
    losses: [2 * HOUR, 4 * HOUR],
  },
  region: {
    about: "the load follows the sun over three regions",
    seconds: 2 * DAY,
    curve: (clients) => (at) => {
      const day = (shift: number) => Math.max(0, Math.cos(2 * Math.PI * (at / DAY - shift)));
      return {
        auto: clients * 0.1,
        enam: clients * 0.9 * day(0.25),
        weur: clients * 0.9 * day(0.5),
        apac: clients * 0.9 * day(0.75),
      };
    },
    losses: [],
  },
};
