import type { Region } from "../../config/regions.ts";
import { MAX_WEIGHT } from "../../ring/descriptor.ts";
import type { ChangeAction, ChangeFields as Fields } from "../model/change-request.ts";
import { Field } from "./parts.tsx";

/** The regions that a new shard can have: the location hints of Durable Objects. */
const REGIONS = [
  "auto",
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const satisfies readonly Region[];

/** The inputs that an action needs. */
export function ChangeFields(props: {
  readonly action: ChangeAction;
  readonly fields: Fields;
  readonly onChange: (changed: Partial<Fields>) => void;
}) {
  const { action, fields, onChange } = props;
  return (
    <>
      {action === "add" && (
        <div class="fields">
          <Field label="How many">
            <NumberInput value={fields.count} min={1} max={64} onChange={(count) => onChange({ count })} />
          </Field>
          <Field label="Region">
            <select
              value={fields.region}
              onChange={(event) => onChange({ region: event.currentTarget.value })}
            >
              {REGIONS.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </Field>
        </div>
      )}
      {(action === "add" || action === "weight") && (
        <Field label={`Weight, 1 to ${MAX_WEIGHT}`}>
          <NumberInput
            value={fields.weight}
            min={1}
            max={MAX_WEIGHT}
            onChange={(weight) => onChange({ weight })}
          />
        </Field>
      )}
    </>
  );
}

/** Reports integers in the range only; the browser marks any other input as invalid. */
function NumberInput(props: {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly onChange: (value: number) => void;
}) {
  const { value, min, max, onChange } = props;
  return (
    <input
      type="number"
      min={min}
      max={max}
      step={1}
      required
      value={value}
      onInput={(event) => {
        const typed = event.currentTarget.valueAsNumber;
        if (Number.isInteger(typed) && typed >= min && typed <= max) onChange(typed);
      }}
    />
  );
}
