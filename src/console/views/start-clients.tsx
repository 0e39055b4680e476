import { useSignal } from "@preact/signals";
import { messageOf } from "../data/api.ts";
import { MAX_SIM_CLIENTS, simClients, startClients, starting } from "../data/sim-clients.ts";
import type { SimKind } from "../data/sim-link.ts";
import { socketio } from "../data/socketio.ts";
import { Field, readOnly } from "./parts.tsx";

/** The form that starts simulated clients. */
export function StartClients() {
  const number = useSignal(100);
  const prefix = useSignal("sim");
  const target = useSignal("lobby");
  const kind = useSignal<SimKind>("centrifuge");
  const problem = useSignal<string | undefined>(undefined);
  const full = simClients.value.length >= MAX_SIM_CLIENTS;
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        problem.value = undefined;
        startClients(number.value, { kind: kind.value, prefix: prefix.value, target: target.value }).catch(
          (error: unknown) => (problem.value = messageOf(error)),
        );
      }}
    >
      <Field label={`How many, to ${MAX_SIM_CLIENTS}`} class="narrow">
        <input
          type="number"
          min={1}
          max={MAX_SIM_CLIENTS}
          required
          value={number.value}
          onInput={(event) => {
            const { valueAsNumber } = event.currentTarget;
            if (Number.isInteger(valueAsNumber)) number.value = valueAsNumber;
          }}
        />
      </Field>
      <Field label="Keys begin with" class="narrow">
        <input
          type="text"
          required
          maxLength={64}
          value={prefix.value}
          onInput={(event) => (prefix.value = event.currentTarget.value)}
        />
      </Field>
      {socketio.value !== undefined && (
        <Field label="Library" class="narrow">
          <select
            value={kind.value}
            onChange={(event) =>
              (kind.value = event.currentTarget.value === "socketio" ? "socketio" : "centrifuge")
            }
          >
            <option value="centrifuge">Centrifuge</option>
            <option value="socketio">Socket.IO</option>
          </select>
        </Field>
      )}
      <Field label={kind.value === "socketio" ? "Room" : "Channel"} class="narrow">
        <input
          type="text"
          required
          maxLength={255}
          value={target.value}
          onInput={(event) => (target.value = event.currentTarget.value)}
        />
      </Field>
      <button
        type="submit"
        class="primary"
        {...(full
          ? { disabled: true, title: `This page runs at most ${MAX_SIM_CLIENTS} clients.` }
          : readOnly())}
        {...(starting.value ? { disabled: true } : {})}
      >
        {starting.value ? "Starting …" : "Start clients"}
      </button>
      {problem.value !== undefined && (
        <p class="notice bad" role="alert">
          The clients were not started: {problem.value}.
        </p>
      )}
    </form>
  );
}
