import { codesPage } from "./codes.ts";
import { commandLinePage } from "./command-line.ts";
import { hooksPage } from "./hooks.ts";
import { operatorsApiPage, serverApiPage, socketioApiPage } from "./openapi.ts";
import { settingsPage } from "./settings.ts";

/** The pages of docs/reference, by the name of their file: what the code says (SPEC DO2). */
export const referencePages = (): Readonly<Record<string, string>> => ({
  "settings.md": settingsPage(),
  "codes.md": codesPage(),
  "server-api.md": serverApiPage(),
  "operators-api.md": operatorsApiPage(),
  "socketio-api.md": socketioApiPage(),
  "hooks.md": hooksPage(),
  "command-line.md": commandLinePage(),
});
