// `npm start` in a folder whose cluster runs already would share its state in silence. A socket in the folder shows that
// it runs: it ends with its process, so that no crash leaves it behind.
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";

/**
 * Holds a socket for this process, which answers each connection with `about`.
 *
 * @param {string} path a short one, or the name of a pipe of Windows
 * @param {string} about
 * @returns {Promise<string | undefined>} what another process says that holds it; undefined if this one does now
 */
export async function hold(path, about) {
  const held = await listen(path, about);
  if (held !== "taken") return undefined;
  const other = await ask(path);
  if (other !== undefined) return other;
  // A process that has ended without closing it.
  rmSync(path, { force: true });
  await listen(path, about);
  return undefined;
}

const listen = (path, about) =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.on("error", () => undefined).end(about));
    // A folder on another machine may take no sockets: nothing is held there.
    server.once("error", ({ code }) => resolve(code === "EADDRINUSE" ? "taken" : "impossible"));
    server.listen(path, () => resolve("held"));
    server.unref();
  });

const ask = (path) =>
  new Promise((resolve) => {
    let said = "";
    connect(path)
      .setEncoding("utf8")
      .on("data", (text) => (said += text))
      .on("end", () => resolve(said))
      .on("error", () => resolve(undefined));
  });
