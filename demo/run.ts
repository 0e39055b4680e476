/**
 * `npm run demo` shows a cluster at work with Centrifuge clients, `npm run demo -- --socketio` with Socket.IO clients,
 * and `-- --socketio --recovery` with Socket.IO's connection state recovery.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { socketio: { type: "boolean", default: false }, recovery: { type: "boolean", default: false } },
});
if (values.socketio) await import("./socketio.ts");
else await import("./centrifuge.ts");
