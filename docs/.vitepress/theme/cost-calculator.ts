import { computed, defineComponent, h, reactive } from "vue";
import { simulate } from "../../../bench/simulate/model.ts";
import { ITEM_NAMES, PRICES } from "../../../src/elastic/prices.ts";
import { data as costs } from "./costs.data.ts";

/** The fields of the calculator: label, bounds and step. */
const FIELDS = {
  clients: ["Clients connected", 1, 5_000_000, 1_000],
  shards: ["Shards", 1, 500, 1],
  publicationsPerSecond: ["Publications a second, each to every client", 0, 1_000, 0.1],
  connectsADay: ["Connects of a client in a day", 0, 1_000, 1],
  framesAnHour: ["Frames of a client in an hour", 0, 36_000, 1],
} as const satisfies Record<string, readonly [label: string, least: number, most: number, step: number]>;
type FieldName = keyof typeof FIELDS;

const START: Record<FieldName, number> = {
  clients: 10_000,
  shards: 4,
  publicationsPerSecond: 0.1,
  connectsADay: 4,
  framesAnHour: 10,
};
const dollars = (value: number): string =>
  `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

/** What a cluster costs in a month, by the model of `npm run simulate` (SPEC DO5). */
export const CostCalculator = defineComponent({
  name: "CostCalculator",
  setup() {
    const load = reactive({ ...START });
    const result = computed(() =>
      simulate({ ...load, regions: 1, roundTripMs: 20, upgradesPerSecond: 400 }, costs),
    );
    const set = (name: FieldName, event: Event): void => {
      const [, least, most] = FIELDS[name];
      const value = Number((event.target as HTMLInputElement).value);
      // A field that is empty, or being written, keeps the last value that counts.
      if (Number.isFinite(value) && value >= least && value <= most) load[name] = value;
    };
    const field = (name: FieldName) => {
      const [label, min, max, step] = FIELDS[name];
      return h("label", { key: name }, [
        h("span", label),
        h("input", {
          type: "number",
          name,
          min,
          max,
          step,
          value: load[name],
          onInput: (event: Event) => set(name, event),
        }),
      ]);
    };
    return () =>
      h("div", { class: "cost-calculator" }, [
        h(
          "form",
          { onSubmit: (event: Event) => event.preventDefault() },
          (Object.keys(FIELDS) as FieldName[]).map(field),
        ),
        h("table", [
          h("caption", `Dollars a month, by Cloudflare's list of ${PRICES.date}`),
          h(
            "tbody",
            (Object.keys(ITEM_NAMES) as (keyof typeof ITEM_NAMES)[]).map((item) =>
              h("tr", { key: item, "data-item": item }, [
                h("th", { scope: "row" }, ITEM_NAMES[item]),
                h("td", dollars(result.value.dollarsAMonth[item])),
              ]),
            ),
          ),
        ]),
        h(
          "p",
          `Answers to pings are taken as free. Counted as frames they would be ${dollars(result.value.dollarsOfPongs)} more.`,
        ),
        h("p", `Times measured ${costs.date} on a machine with ${costs.machine}.`),
      ]);
  },
});
