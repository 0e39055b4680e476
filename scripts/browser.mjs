// Finds a Chromium for the tests of pages. Installs Debian's Chromium if there is none, and it may.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const TESTS = join(dirname(fileURLToPath(import.meta.url)), "../test/e2e");

const CANDIDATES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** `CHROMIUM=none`: as on a machine without one. */
const isForbidden = () => process.env.CHROMIUM === "none";

/** The path of a Chromium, or undefined. */
export const findBrowser = () =>
  isForbidden() ? undefined : CANDIDATES.find((path) => path !== undefined && existsSync(path));

/** The test files that use a browser. Without one they are skipped, except in CI (SPEC FH6). */
export const filesWithBrowser = () =>
  readdirSync(TESTS)
    .filter((file) => readFileSync(join(TESTS, file), "utf8").includes("launchBrowser"))
    .map((file) => `test/e2e/${file}`);

/** Whether tests that use a browser are left out. */
export const skipsBrowser = () => findBrowser() === undefined && !inCi();

/** Finds a Chromium, or installs one. Ends the process in CI if there is none; elsewhere it says what is skipped. */
export function prepareBrowser() {
  if (findBrowser() !== undefined || install()) return;
  const advice = "install Chromium, or name its path in CHROMIUM";
  if (inCi()) {
    console.error(`The tests of pages need a browser: ${advice}.`);
    process.exit(1);
  }
  console.log(
    `There is no Chromium: the ${filesWithBrowser().length} test files of pages are skipped. To run them, ${advice}.`,
  );
}

/** Installs Debian's Chromium where it may. */
function install() {
  const isRoot = process.platform === "linux" && process.getuid?.() === 0;
  if (isForbidden() || !isRoot || !existsSync("/usr/bin/apt-get")) return false;
  console.log("Installing Chromium for the tests of pages (only this time) ...");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return [["update"], ["install", "-y", "--no-install-recommends", "chromium"]].every((args) => {
    const { status } = spawnSync("apt-get", ["-qq", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env,
    });
    return status === 0;
  });
}

const inCi = () => (process.env.CI ?? "") !== "";

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  if (findBrowser() !== undefined || install()) process.exit(0);
  console.error("This needs Chromium: install it, or name its path in CHROMIUM.");
  process.exit(1);
}
