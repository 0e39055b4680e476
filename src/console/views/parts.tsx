import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { colorOf } from "../data/colors.ts";
import { access } from "../data/store.ts";

/** A part of the page: a region with a heading. `aside` goes beside the heading; `dim` marks stale numbers. */
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

/** A shard's colour and name. */
export const ShardName = ({ shard }: { readonly shard: string | null | undefined }) => (
  <span class="shard-name">
    <span class="swatch" style={{ background: colorOf.value(shard ?? undefined) }} aria-hidden="true" />
    <span class="mono">{shard ?? "no shard"}</span>
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

export const READ_ONLY = "You are signed in with the READ_KEY, which permits no changes.";

/** Attributes of a control that changes something: disabled with the reason, unless the key permits changes. */
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
