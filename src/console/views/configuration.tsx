import { useEffect } from "preact/hooks";
import { configuration, configurationProblem, loadConfiguration } from "../data/configuration.ts";
import { route, setQuery } from "../data/route.ts";
import { plural } from "../model/format.ts";
import { Field, Panel } from "./parts.tsx";

/** The settings in force; secrets by name only. */
export function Configuration() {
  useEffect(() => void loadConfiguration(), []);
  const { find = "", show = "" } = route.value.query;
  const shown = configuration.value;
  const wanted = find.trim().toLowerCase();
  const rows = (shown?.settings ?? []).filter(
    ({ name, isDefault }) => name.toLowerCase().includes(wanted) && !(show === "changed" && isDefault),
  );
  return (
    <Panel
      name="configuration"
      title="Configuration"
      aside={
        shown !== undefined && (
          <span class="hint">
            release {shown.release}, contract {shown.contract}, fronts {shown.fronts.join(", ")}
          </span>
        )
      }
    >
      {configurationProblem.value !== undefined && (
        <p class="notice bad" role="alert">
          The configuration could not be read: {configurationProblem.value}.
        </p>
      )}
      {shown !== undefined && (
        <p class="hint">
          Secrets that are set: <span class="mono">{shown.secrets.join(", ") || "none"}</span>.
        </p>
      )}
      <search class="fields">
        <Field label="Find a setting">
          <input
            type="search"
            value={find}
            placeholder="limits"
            spellcheck={false}
            onInput={(event) => setQuery({ find: event.currentTarget.value })}
          />
        </Field>
        <Field label="Show" class="narrow">
          <select value={show} onChange={(event) => setQuery({ show: event.currentTarget.value })}>
            <option value="">all settings</option>
            <option value="changed">without the defaults</option>
          </select>
        </Field>
        <p class="hint listed" role="status">
          {plural(rows.length, "setting")}
        </p>
      </search>
      <div class="scroll tall" tabIndex={0} role="group" aria-label="Table of settings">
        <table class="settings">
          <thead>
            <tr>
              <th scope="col">Setting</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, value, isDefault }) => (
              <tr key={name} class={isDefault ? "default" : ""}>
                <th scope="row" class="mono">
                  {name}
                </th>
                <td class="mono">
                  {typeof value === "string" ? value : JSON.stringify(value)}
                  {isDefault && <span class="hint"> default</span>}
                </td>
              </tr>
            ))}
            {rows.length === 0 && (
              <tr>
                <td colSpan={2} class="empty">
                  {shown === undefined ? "Asking the cluster …" : "No setting is like this."}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
