import { join } from "node:path";
import { Source } from "../comments.ts";
import { cited, page } from "../markdown.ts";

const FILE = "src/hooks/hooks.ts";

/** docs/reference/hooks.md, of the docstrings and types of the source. */
export function hooksPage(): string {
  const source = new Source(join(import.meta.dirname, "../../..", FILE));
  const types = source.statements.flatMap((statement) => {
    const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    return declaration?.type === "TSTypeAliasDeclaration" ? [{ statement, declaration }] : [];
  });
  const hooks = types.find(({ declaration }) => declaration.id.name === "Hooks");
  if (hooks?.declaration.typeAnnotation.type !== "TSTypeLiteral")
    throw new Error(`${FILE} has no type Hooks`);
  const members = hooks.declaration.typeAnnotation.members.map((member) => {
    const signature = source.slice(member);
    return [
      `## ${/^\w+/.exec(signature)?.[0]}`,
      cited(source.before(member)),
      block(signature.replace(/;$/, "")),
    ];
  });
  const rest = types.filter(({ declaration }) => declaration.id.name !== "Hooks");
  return page(
    "Hooks",
    FILE,
    "[The guide](../guides/hooks.md) shows a Worker with hooks. `import type` finds each of these types in `ringcast`.",
    cited(source.before(hooks.statement)),
    ...members.flat(),
    "## Types",
    block(
      rest
        .map(({ statement, declaration }) => {
          const about = source.before(statement);
          const lines = about === "" ? [] : about.split("\n").map((line) => `// ${line}`.trimEnd());
          return [...lines, source.slice(declaration)].join("\n");
        })
        .join("\n\n"),
    ),
  );
}

const block = (text: string): string => `\`\`\`ts\n${text}\n\`\`\``;
