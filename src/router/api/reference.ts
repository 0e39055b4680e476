import { html, raw } from "hono/html";
import * as z from "zod";
import { apiDocument } from "./document.ts";
import { METHODS } from "./methods.ts";

type Schema = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly example?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
};

/** The page that describes the methods: plain HTML, without scripts and files of its own (SPEC AP6). */
export function referencePage(path: string) {
  const { info } = apiDocument(path);
  const methods = [...METHODS].map(([name, { summary, params, result }]) => ({
    name,
    summary,
    params: z.toJSONSchema(params, { io: "input" }) as Schema,
    result: z.toJSONSchema(result) as Schema,
  }));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <nav aria-label="Methods">${methods.map(({ name }) => html`<a href="#${name}">${name}</a>`)}</nav>
        <main>
          <h1>${info.title}</h1>
          <p>
            ${info.description} Programs read <a href="${path}/openapi.json">the OpenAPI document</a>. Send
            the API key in <code>X-API-Key</code>. An answer is 200 with <code>result</code> or
            <code>error</code>.
          </p>
          ${methods.map(
            ({ name, summary, params, result }) =>
              html`<section id="${name}">
                <h2>${name}</h2>
                <p>${summary}</p>
                <pre><code>curl $RINGCAST${path}/${name} -H "X-API-Key: $API_KEY" -d '${JSON.stringify(exampleOf(params))}'</code></pre>
                ${fields("Request", params)} ${fields("Result", result)}
              </section>`,
          )}
        </main>
      </body>
    </html>`;
}

function fields(title: string, schema: Schema) {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return html`<h3>${title}: {}</h3>`;
  return html`<h3>${title}</h3>
    <table>
      ${properties.map(
        ([name, field]) =>
          html`<tr>
            <td><code>${name}</code>${schema.required?.includes(name) === true ? " *" : ""}</td>
            <td>${typeOf(field)}</td>
            <td>${field.description ?? ""}</td>
          </tr>`,
      )}
    </table>`;
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.items !== undefined) return `${typeOf(schema.items)}[]`;
  if (schema.properties !== undefined) return `{ ${Object.keys(schema.properties).join(", ")} }`;
  if (typeof schema.additionalProperties === "object")
    return `{ name: ${typeOf(schema.additionalProperties)} }`;
  return [schema.type ?? "any JSON"].flat().join(" | ");
}

/** The fields that are required, and those that have an example. */
function exampleOf(schema: Schema): Record<string, unknown> {
  const shown = Object.entries(schema.properties ?? {}).filter(
    ([name, { example }]) => example !== undefined || schema.required?.includes(name) === true,
  );
  return Object.fromEntries(
    shown.map(([name, field]) => [name, field.example ?? (field.items ? [field.items.example ?? {}] : "…")]),
  );
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { display: grid; grid-template-columns: 12rem minmax(0, 48rem); gap: 2rem; margin: 0 1rem; }
nav { position: sticky; top: 0; height: 100vh; padding-top: 1.5rem; display: flex; flex-direction: column; gap: .3rem; }
a { color: inherit; }
section { border-top: 1px solid #8885; padding-top: .5rem; margin-top: 2rem; }
h2, h3 { margin: .5rem 0; } h3 { font-size: 1em; }
pre { background: #8882; padding: .7rem; border-radius: 6px; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid #8883; padding: .25rem .6rem .25rem 0; vertical-align: top; }
@media (max-width: 45rem) { body { display: block; } nav { position: static; height: auto; flex-flow: row wrap; } }
`;
