/** npm runs on it, and the set-up. The project's own Node comes with the packages, by the install script of `node`. */
const TO_SET_UP = [20, 0];
/** Without that script everything runs on the Node of the machine: wrangler needs this one, and so do files of TypeScript. */
const WITHOUT_SCRIPTS = [22, 18];

/**
 * Why this Node is too old to set the project up, in one line; undefined if it is not (SPEC FH5).
 *
 * @param {string} version as `process.versions.node`
 * @param {{ readonly ignoresScripts: boolean }} npm
 * @returns {string | undefined}
 */
export function nodeProblem(version, { ignoresScripts }) {
  if (!isAtLeast(version, TO_SET_UP))
    return `Ringcast needs Node ${TO_SET_UP[0]} or later to set itself up, and this is Node ${version}. Get a newer one from https://nodejs.org.`;
  if (ignoresScripts && !isAtLeast(version, WITHOUT_SCRIPTS))
    return `Ringcast installs a Node of its own by an install script, and npm is told to ignore scripts (ignore-scripts): allow them, or use Node ${WITHOUT_SCRIPTS.join(".")} or later; this is Node ${version}.`;
  return undefined;
}

function isAtLeast(version, [major, minor]) {
  const [ownMajor, ownMinor] = version.split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
