import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { access, colorOf } from "../data/store.ts";

/** One part of the page: a region with a heading, and what belongs beside the heading. */
export function Panel(props: {
  readonly name: string;
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly dim?: boolean;
  readonly children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class={`panel ${props.name} ${props.dim === true ? "dim" : ""}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{props.title}</h2>
        <div class="panel-aside">{props.aside}</div>
      </header>
      {props.children}
    </section>
  );
}

export function Swatch({ shard, hollow }: { readonly shard: string | undefined; readonly hollow?: boolean }) {
  const color = colorOf.value(shard);
  return (
    <span
      class={`swatch ${hollow === true ? "hollow" : ""}`}
      style={{ background: hollow === true ? "transparent" : color, borderColor: color }}
      aria-hidden="true"
    />
  );
}

/** A shard by its colour and its name. */
export const ShardName = ({ shard }: { readonly shard: string | null | undefined }) => (
  <span class="shard-name">
    <Swatch shard={shard ?? undefined} />
    <span class="mono">{shard ?? "nobody"}</span>
  </span>
);

export function Field(props: {
  readonly label: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <label class={`field ${props.class ?? ""}`}>
      <span>{props.label}</span>
      {props.children}
    </label>
  );
}

export const READ_ONLY = "You are signed in with the reading key, which changes nothing.";

/** Whether controls that change something are off, and why. */
export const readOnly = (): { readonly disabled: boolean; readonly title?: string } =>
  access.value === "full" ? { disabled: false } : { disabled: true, title: READ_ONLY };

export const Stat = (props: {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly tone?: string;
  readonly title?: string;
}) => (
  <div class={`stat ${props.tone ?? ""}`} title={props.title}>
    <dt>{props.label}</dt>
    <dd>{props.value}</dd>
  </div>
);
