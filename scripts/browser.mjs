// Finds a Chromium for the tests of the operator's page. Installs Debian's Chromium if there is none, and it may.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

const CANDIDATES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** The path of a Chromium, or undefined. */
export const findBrowser = () => CANDIDATES.find((path) => path !== undefined && existsSync(path));

function install() {
  if (findBrowser() !== undefined) return;
  const mayInstall =
    process.platform === "linux" && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!mayInstall) {
    console.error(
      "The tests of the operator's page need Chromium: install it, or name its path in CHROMIUM.",
    );
    process.exit(1);
  }
  console.log("Installing Chromium for the tests of the operator's page (only this time) ...");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
    const { status } = spawnSync("apt-get", ["-qq", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env,
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) install();
