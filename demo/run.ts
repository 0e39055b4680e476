/** `npm run demo` shows a cluster at work with Centrifuge clients, `npm run demo -- --socketio` with Socket.IO clients. */
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { socketio: { type: "boolean", default: false } } });
if (values.socketio) await import("./socketio.ts");
else await import("./centrifuge.ts");
