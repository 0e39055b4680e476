import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { filesWithBrowser, skipsBrowser } from "./scripts/browser.mjs";
import { buildConsole } from "./scripts/build-console.mjs";
import { plantPlugin } from "./test/sim/plant-plugin.ts";

// A Worker without its page cannot be started.
buildConsole();

const BINDINGS = {
  API_KEY: "test-api-key-of-16",
  READ_KEY: "test-read-key-of-16",
  TOKEN_HMAC_SECRET: "test-hmac-secret-of-32-bytes-or-more",
  RINGCAST_NS_DEFAULT: { presence: true },
  RINGCAST_NS_kept: {
    presence: true,
    history_size: 100,
    history_ttl: "60s",
    force_recovery: true,
  },
  RINGCAST_NS_heard: {
    presence: true,
    join_leave: true,
    force_push_join_leave: true,
    history_size: 100,
    history_ttl: "60s",
  },
  RINGCAST_NS_delta: {
    history_size: 100,
    history_ttl: "60s",
    force_recovery: true,
    allowed_delta_types: ["fossil"],
  },
  RINGCAST_NS_told: { presence: true, join_leave: true },
  RINGCAST_NS_joins: { presence: true, join_leave: true, force_push_join_leave: true },
  RINGCAST_NS_short: { history_size: 5, history_ttl: "60s", force_recovery: true },
  RINGCAST_NS_cache: {
    history_size: 5,
    history_ttl: "60s",
    force_recovery: true,
    force_recovery_mode: "cache",
  },
  RINGCAST_OVERRIDES: {
    development: true,
    insecure: true,
    anonymous: true,
    shards: { max: 256 },
    limits: { presenceClients: 40, channelNames: 30 },
    // A region may be down and come back within a test.
    times: { regionCheckMs: 200 },
  },
};

/** Bounds for a busy machine, not expectations. */
const PATIENT = { testTimeout: 300_000, hookTimeout: 300_000 };

/**
 * Tests with a runtime or a whole server: most of a test is waiting, so four of them run on two cores. Files run one
 * after the other in a process, which loads the packages and starts the runtime once: a file leaves nothing behind.
 */
const TOGETHER = { maxWorkers: 4, isolate: false, sequence: { groupOrder: 1 } };

/** As in wrangler.toml, in the longer period: a busy machine makes fewer requests in ten seconds. */
const RATE_LIMITS = {
  UPGRADE_RATE_LIMIT: { namespace_id: "1001", simple: { limit: 1_000, period: 60 } },
} as const;

const TIER = process.env["RINGCAST_TESTS"] === "release" ? "release" : "quick";
/** Files of the release tier alone. */
const LONG = ["test/e2e/site.test.ts"];

/** Short files whose tests take long. They begin first, so that no single one is left to wait for in the end. */
const SLOW =
  /\/(chaos|moves|scaling|socketio-sleep|socketio-stock|example-socketio|silent-objects)\.test\.ts$/u;

const isSlow = ({ moduleId }: TestSpecification): boolean => SLOW.test(moduleId);

/** Vitest begins with the largest files where it knows no times, as on a fresh machine. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is Vitest's
    const sorted = await super.sort(files);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    provide: { tier: TIER },
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        plugins: [plantPlugin()],
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          // Pure code leaves nothing behind for the next file.
          pool: "threads",
          isolate: false,
          maxWorkers: 2,
          ...PATIENT,
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: BINDINGS,
              ratelimits: RATE_LIMITS,
            },
          }),
        ],
        test: {
          name: "workers",
          include: ["test/workers/**/*.test.ts"],
          exclude: [
            "test/workers/hooks*.test.ts",
            "test/workers/fronts*.test.ts",
            "test/workers/own*.test.ts",
            "test/workers/socketio*.test.ts",
          ],
          ...PATIENT,
          ...TOGETHER,
        },
      },
      {
        // A deployment that decides in code.
        plugins: [
          cloudflareTest({
            main: "./test/workers/hooked.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                ...BINDINGS,
                RINGCAST_OVERRIDES: {
                  development: true,
                  anonymous: true,
                  times: { hookTimeoutMs: 300, vacatedGraceMs: 300 },
                  limits: { waitingFrames: 64, waitingBytes: 65_536 },
                },
                RINGCAST_NS_DEFAULT: {
                  allow_subscribe_for_client: true,
                  allow_subscribe_for_anonymous: true,
                  allow_publish_for_subscriber: true,
                  allow_publish_for_anonymous: true,
                  presence: true,
                  allow_presence_for_subscriber: true,
                  allow_presence_for_anonymous: true,
                },
                RINGCAST_NS_closed: {},
              },
            },
          }),
        ],
        test: {
          name: "hooks",
          include: ["test/workers/hooks*.test.ts"],
          ...PATIENT,
          ...TOGETHER,
        },
      },
      {
        // A deployment with a second front.
        plugins: [
          cloudflareTest({
            main: "./test/workers/fronts-worker.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: BINDINGS,
              durableObjects: { SHARD_LINE: { className: "LineShard", useSQLite: true } },
            },
          }),
        ],
        test: {
          name: "fronts",
          include: ["test/workers/fronts*.test.ts"],
          ...PATIENT,
          ...TOGETHER,
        },
      },
      {
        // A deployment with code of its own.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./test/workers/own/wrangler.toml" },
            miniflare: { bindings: BINDINGS },
          }),
        ],
        test: {
          name: "own",
          include: ["test/workers/own*.test.ts"],
          ...PATIENT,
          ...TOGETHER,
        },
      },
      {
        // A deployment with Socket.IO clients.
        plugins: [
          plantPlugin(),
          cloudflareTest({
            wrangler: { configPath: "./test/support/socketio/wrangler.toml" },
            miniflare: {
              bindings: {
                ...BINDINGS,
                RINGCAST_NS_both: { socketio: true, history_size: 5, history_ttl: "60s" },
                RINGCAST_OVERRIDES: {
                  development: true,
                  insecure: true,
                  anonymous: true,
                  limits: { channelsPerClient: 8, newChannelsPerMinute: 30 },
                  times: { pingIntervalMs: 2_000 },
                  socketio: { handshakeHeaders: ["X-Shown"], pingTimeoutMs: 5_000 },
                },
              },
              ratelimits: RATE_LIMITS,
            },
          }),
        ],
        test: {
          name: "socketio",
          include: ["test/workers/socketio*.test.ts"],
          ...PATIENT,
          ...TOGETHER,
        },
      },
      {
        test: {
          name: "sim",
          include: ["test/sim/**/*.test.ts"],
          // Thousands of histories in the release tier, on a machine that may be busy.
          testTimeout: 1_800_000,
          // A history is a process that computes, and the test waits for it.
          maxConcurrency: 2,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: [...(skipsBrowser() ? filesWithBrowser() : []), ...(TIER === "quick" ? LONG : [])],
          globalSetup: "test/support/pack-setup.ts",
          ...PATIENT,
          testTimeout: 600_000,
          ...TOGETHER,
        },
      },
    ],
  },
});
