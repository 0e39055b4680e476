import { useSignal, type Signal } from "@preact/signals";
import { emitToRooms, type EmitOutcome } from "../data/socketio.ts";
import { socketioPath } from "../data/store.ts";
import { parseArgs, parseRooms } from "../model/emit-fields.ts";
import { milliseconds, plural } from "../model/format.ts";
import { Field, readOnly } from "./parts.tsx";

/** The form that emits an event to rooms, or to all sockets of a namespace. */
export function SocketIoEmit({ namespaces }: { readonly namespaces: readonly string[] }) {
  const namespace = useSignal("/");
  const rooms = useSignal("");
  const event = useSignal("message");
  const args = useSignal("hello");
  const outcome = useSignal<EmitOutcome>({ state: "none" });
  const emit = async (): Promise<void> => {
    const read = parseArgs(args.value);
    if ("problem" in read) {
      outcome.value = { state: "failed", message: read.problem };
      return;
    }
    outcome.value = { state: "emitting" };
    outcome.value = await emitToRooms(socketioPath.value, {
      namespace: namespace.value,
      rooms: parseRooms(rooms.value),
      event: event.value,
      args: read.args,
    });
  };
  return (
    <form
      aria-label="Emit an event"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        void emit();
      }}
    >
      <div class="fields">
        <Field label="Namespace" class="narrow">
          <select
            value={namespace.value}
            onChange={(change) => (namespace.value = change.currentTarget.value)}
          >
            {[...new Set(["/", ...namespaces])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Field>
        <Field label="Rooms, or none for all">
          <TextInput value={rooms} />
        </Field>
      </div>
      <div class="fields">
        <Field label="Event" class="narrow">
          <TextInput value={event} isRequired />
        </Field>
        <Field label="Arguments, JSON or text">
          <TextInput value={args} />
        </Field>
        <button
          type="submit"
          class="primary"
          {...readOnly()}
          {...(outcome.value.state === "emitting" ? { disabled: true } : {})}
        >
          Emit
        </button>
      </div>
      <div class="result" aria-live="polite" data-testid="emit-result">
        <Result outcome={outcome.value} />
      </div>
    </form>
  );
}

function Result({ outcome }: { readonly outcome: EmitOutcome }) {
  switch (outcome.state) {
    case "none":
      return (
        <p class="hint">
          An emit costs a call to each room, and one to each shard that has members. Socket.IO does not tell
          how many sockets it has reached.
        </p>
      );
    case "emitting":
      return <p class="hint">Emitting …</p>;
    case "failed":
      return <p class="notice bad">The event was not emitted: {outcome.message}.</p>;
    case "emitted":
      return (
        <p>
          Emitted to {outcome.rooms === 0 ? "all sockets of the namespace" : plural(outcome.rooms, "room")},
          in {milliseconds(outcome.ms)}.
        </p>
      );
  }
}

const TextInput = ({
  value,
  isRequired = false,
}: {
  readonly value: Signal<string>;
  readonly isRequired?: boolean;
}) => (
  <input
    type="text"
    required={isRequired}
    spellcheck={false}
    value={value.value}
    onInput={(input) => (value.value = input.currentTarget.value)}
  />
);
