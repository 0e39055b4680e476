// Release 0.1.0 of Ringcast, as the simulator runs it beside the present code (test/sim/releases.ts).
// Made from src at ec486db by scripts/keep-release.mjs. Not edited by hand.
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import pRetry from "p-retry";
import { Webhook } from "standardwebhooks";
import { base64url, createRemoteJWKSet, errors, importSPKI, jwtVerify } from "jose";
import { createDelta } from "fossil-delta";
var regionSchema = z.enum([
	"auto",
	"wnam",
	"enam",
	"sam",
	"weur",
	"eeur",
	"apac",
	"apac-ne",
	"apac-se",
	"oc",
	"afr",
	"me"
]);
z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "a shard id has 1 to 64 letters, digits, '.', '_' or '-'");
var count = (least, most) => z.number().int().min(least).max(most);
var affinitySchema = z.strictObject({
	order: z.array(z.enum([
		"key",
		"token",
		"path",
		"cookie",
		"ip"
	])).default(["key", "token"]),
	cookie: z.string().min(1).default("ringcast_key"),
	userIsKey: z.boolean().default(false)
}).prefault({});
var shardsSchema = z.strictObject({
	initial: count(1, 64).default(4),
	initialWeight: count(1, 64).default(16),
	max: count(1, 1e3).default(64),
	defaultRegion: regionSchema.default("auto"),
	seed: count(0, 4294967295).default(0)
}).prefault({});
var limitsSchema = z.strictObject({
	frameBytes: count(1024, 1048576).default(65536),
	channelsPerClient: count(1, 512).default(128),
	channelBytes: count(16, 1024).default(255),
	keyBytes: count(16, 1024).default(256),
	commandsPerSecond: count(1, 1e4).default(100),
	commandBurst: count(1, 2e4).default(512),
	sessionsPerShard: count(1, 32e3).default(2e4),
	upgradesPerSecond: count(1, 1e4).default(400),
	upgradeBurst: count(1, 2e4).default(1600),
	queuedBytes: count(16384, 67108864).default(1048576),
	recoveryMaxPublications: count(1, 1e4).default(300),
	historyMaxPublications: count(1, 1e4).default(300),
	tailBytes: count(0, 67108864).default(8388608),
	apiBodyBytes: count(1024, 33554432).default(4194304),
	apiCommands: count(1, 1e3).default(500),
	channelNames: count(1, 1e5).default(1e4),
	slowReaderGraceMs: count(100, 6e4).default(5e3)
}).prefault({});
var broadcastSchema = z.strictObject({
	enabled: z.boolean().default(true),
	channel: z.string().min(1).max(255).default("ringcast:broadcast"),
	historySize: count(1, 1e5).default(300),
	historyTtlMs: count(1e3, 2592e6).default(36e5)
}).prefault({});
var personalChannelSchema = z.strictObject({
	enabled: z.boolean().default(false),
	namespace: z.string().default("")
}).prefault({});
var timesSchema = z.strictObject({
	pingIntervalMs: count(1e3, 3e5).default(25e3),
	pongTimeoutMs: count(500, 6e4).default(8e3),
	staleConnectionMs: count(500, 12e4).default(1e4),
	expiredGraceMs: count(500, 3e5).default(25e3),
	joinLeaveBatchMs: count(0, 5e3).default(100),
	movedLeaveHoldMs: count(0, 6e4).default(5e3),
	deliveryTimeoutMs: count(500, 6e4).default(1e4),
	presenceCacheMs: count(0, 1e4).default(1e3),
	healthReportMs: count(1e3, 36e5).default(6e4),
	hookTimeoutMs: count(10, 6e4).default(5e3),
	vacatedGraceMs: count(0, 3e5).default(5e3)
}).prefault({});
var movesSchema = z.strictObject({
	perSecondToOneShard: count(1, 1e4).default(300),
	perSecondFromOneShard: count(1, 1e4).default(100),
	busyWaitMs: count(0, 3e4).default(3e3)
}).prefault({});
var webhookSchema = z.strictObject({
	url: z.url({ protocol: /^https?$/ }),
	events: z.array(z.enum([
		"connected",
		"disconnected",
		"occupied",
		"vacated",
		"published",
		"shards"
	])).min(1),
	batchMs: count(0, 6e4).default(500),
	batchEvents: count(1, 1e3).default(100),
	timeoutMs: count(100, 6e4).default(1e4),
	retryFirstMs: count(10, 6e4).default(1e3),
	retryLastMs: count(1e3, 36e5).default(6e5),
	keepMs: count(1e3, 6048e5).default(864e5)
});
var tokensSchema = z.strictObject({
	rsaPublicKey: z.string().optional(),
	ecdsaPublicKey: z.string().optional(),
	ed25519PublicKey: z.string().optional(),
	jwksUrl: z.url().optional(),
	audience: z.string().optional(),
	issuer: z.string().optional(),
	userIdClaim: z.string().default("sub")
}).prefault({});
var clusterSchema = z.strictObject({
	development: z.boolean().default(false),
	insecure: z.boolean().default(false),
	anonymous: z.boolean().default(false),
	allowedOrigins: z.array(z.string()).default([]),
	affinity: affinitySchema,
	shards: shardsSchema,
	limits: limitsSchema,
	times: timesSchema,
	moves: movesSchema,
	broadcast: broadcastSchema,
	personalChannel: personalChannelSchema,
	tokens: tokensSchema,
	webhook: webhookSchema.optional()
});
var duration = z.string().regex(/^(?=.)(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/, "a duration is written like \"90s\", \"10m\" or \"720h\"").transform((text) => {
	const part = (unit) => Number(new RegExp(`(\\d+)${unit}(?![a-z])`).exec(text)?.[1] ?? 0);
	return part("h") * 36e5 + part("m") * 6e4 + part("s") * 1e3 + part("ms");
});
var namespaceSchema = z.strictObject({
	presence: z.boolean().default(false),
	join_leave: z.boolean().default(false),
	force_push_join_leave: z.boolean().default(false),
	allow_subscribe_for_client: z.boolean().default(false),
	allow_subscribe_for_anonymous: z.boolean().default(false),
	allow_publish_for_subscriber: z.boolean().default(false),
	allow_publish_for_client: z.boolean().default(false),
	allow_publish_for_anonymous: z.boolean().default(false),
	allow_presence_for_subscriber: z.boolean().default(false),
	allow_presence_for_client: z.boolean().default(false),
	allow_presence_for_anonymous: z.boolean().default(false),
	allow_user_limited_channels: z.boolean().default(false),
	history_size: count(0, 1e5).default(0),
	history_ttl: duration.default(0),
	history_meta_ttl: duration.default(2592e6),
	force_recovery: z.boolean().default(false),
	allow_recovery: z.boolean().default(false),
	force_positioning: z.boolean().default(false),
	allow_positioning: z.boolean().default(false),
	force_recovery_mode: z.enum(["stream", "cache"]).default("stream"),
	allowed_delta_types: z.array(z.enum(["fossil"])).default([]),
	allow_tags_filter: z.boolean().default(false),
	allow_history_for_subscriber: z.boolean().default(false),
	allow_history_for_client: z.boolean().default(false),
	allow_history_for_anonymous: z.boolean().default(false)
});
var keepsHistory = (namespace) => namespace.history_size > 0 && namespace.history_ttl > 0;
var RESERVED_NAMESPACE = "ringcast";
var ConfigError = class extends Error {
	name = "ConfigError";
};
var NAMESPACE_PREFIX = "RINGCAST_NS_";
function parseConfig(variables) {
	const cluster = check("RINGCAST", clusterSchema, merge(readTable("RINGCAST", variables["RINGCAST"]), readTable("RINGCAST_OVERRIDES", variables["RINGCAST_OVERRIDES"])));
	if (cluster.webhook !== void 0 && !isSecret(variables["WEBHOOK_SECRET"])) throw new ConfigError("WEBHOOK_SECRET: a webhook is signed with it; it is base64, after \"whsec_\" or alone");
	const namespaces = new Map();
	let defaultNamespace = namespaceSchema.parse({});
	for (const [name, value] of Object.entries(variables)) {
		if (!name.startsWith(NAMESPACE_PREFIX)) continue;
		const namespace = check(name, namespaceSchema, readTable(name, value));
		const short = name.slice(12);
		if (short === "ringcast") throw new ConfigError(`${name}: the namespace "${RESERVED_NAMESPACE}" is the cluster's own`);
		if (short === "DEFAULT") defaultNamespace = namespace;
		else namespaces.set(short, namespace);
	}
	const { historySize, historyTtlMs } = cluster.broadcast;
	const broadcast = {
		...namespaceSchema.parse({}),
		history_size: historySize,
		history_ttl: historyTtlMs,
		force_recovery: true
	};
	return {
		cluster,
		defaultNamespace,
		namespaces,
		broadcast
	};
}
var isSecret = (secret) => typeof secret === "string" && /^(whsec_)?[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret);
function readTable(name, value) {
	if (value === void 0) return {};
	let table = value;
	if (typeof value === "string") try {
		table = JSON.parse(value);
	} catch {
		throw new ConfigError(`${name} is not JSON`);
	}
	if (!isTable(table)) throw new ConfigError(`${name} must be a table`);
	return table;
}
function check(name, schema, value) {
	const parsed = schema.safeParse(value);
	if (parsed.success) return parsed.data;
	throw new ConfigError(parsed.error.issues.map((issue) => `${[name, ...issue.path].join(".")}: ${issue.message}`).join("; "));
}
var isTable = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
function merge(base, over) {
	const merged = { ...base };
	for (const [field, value] of Object.entries(over)) {
		const under = merged[field];
		merged[field] = isTable(under) && isTable(value) ? merge(under, value) : value;
	}
	return merged;
}
// src/platform/call.ts
var CALL_RETRY_MS = 4e3;
function callAgain(call, forMs = CALL_RETRY_MS) {
	return pRetry(call, {
		retries: 20,
		minTimeout: 50,
		maxTimeout: 1e3,
		factor: 2,
		randomize: true,
		maxRetryTime: forMs,
		shouldRetry: ({ error }) => !("overloaded" in error && error.overloaded === true)
	});
}
async function within(ms, call) {
	let timer = null;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
	});
	try {
		return await Promise.race([call, late]);
	} finally {
		clearTimeout(timer);
	}
}
// src/platform/stubs.ts
var shardRef = (shard) => ({
	name: `${shard.region}/${shard.id}`,
	region: shard.region
});
var idOf = (name) => name.slice(name.indexOf("/") + 1);
function shardStub(env, shard) {
	return env.SHARD.getByName(shard.name, shard.region === "auto" ? {} : { locationHint: shard.region });
}
var channelStub = (env, channel) => env.CHANNEL.getByName(channel);
var coordinatorStub = (env) => env.COORDINATOR.getByName("coordinator");
function planTree(targets) {
	const branches = targets.length <= 32 ? targets.length : Math.ceil(Math.sqrt(targets.length));
	return Array.from({ length: branches }, (_, n) => {
		const [from, to] = [n, n + 1].map((edge) => Math.floor(edge * targets.length / branches));
		const [relay, ...others] = targets.slice(from, to);
		return {
			relay,
			others
		};
	});
}
// src/platform/fan-out.ts
var RELAY_PART = .6;
async function fanOut(env, order, to) {
	let calls = 0;
	const started = Date.now();
	const direct = (target, waitMs) => {
		calls += 1;
		return callOne(env, {
			order,
			target,
			waitMs
		});
	};
	const branches = planTree(to.targets);
	return {
		outcomes: (await Promise.all(branches.map(async ({ relay, others }) => {
			if (others.length === 0) return [await direct(relay, to.waitMs)];
			calls += 1 + others.length;
			const targets = [relay, ...others];
			const relayed = await within(to.waitMs, shardStub(env, relay).relay({
				order,
				targets,
				waitMs: to.waitMs * RELAY_PART
			})).catch((error) => {
				console.error(`relay ${relay.name} did not answer`, error);
				return targets.map(({ name }) => ({
					name,
					ms: Date.now() - started,
					done: null
				}));
			});
			if (!to.repeat) return relayed;
			return Promise.all(relayed.map(async (outcome, n) => outcome.done === null ? direct(targets[n], to.waitMs) : outcome));
		}))).flat(),
		calls
	};
}
var callOne = (env, { order, target, waitMs }) => timed(target, () => within(waitMs, shardStub(env, target).carryOut(order, target)));
async function timed(target, call) {
	const started = Date.now();
	let done = null;
	try {
		done = await call();
	} catch (error) {
		console.error(`shard ${target.name} was not reached`, error);
	}
	return {
		name: target.name,
		ms: Date.now() - started,
		done
	};
}
// src/feed/courier.ts
var Courier = class {
	#env;
	#timeoutMs;
	#parcels = [];
	constructor(env, config) {
		this.#env = env;
		this.#timeoutMs = config.cluster.times.deliveryTimeoutMs;
	}
	deliver(shard, delivery, alone) {
		if (alone) return this.#direct(shard, delivery);
		return new Promise((resolve, reject) => {
			this.#parcels.push({
				shard,
				delivery,
				resolve,
				reject
			});
			if (this.#parcels.length === 1) queueMicrotask(() => this.#send());
		});
	}
	#direct(shard, delivery) {
		return within(this.#timeoutMs, shardStub(this.#env, shard).deliver(delivery));
	}
	#send() {
		const parcels = this.#parcels;
		this.#parcels = [];
		for (const group of groupEqual(parcels)) if (group.length > 32) this.#sendTogether(group);
		else for (const { shard, delivery, resolve, reject } of group) this.#direct(shard, delivery).then(resolve, reject);
	}
	async #sendTogether(group) {
		const [first] = group;
		if (first === void 0) return;
		const { registration: _number, mayRepeat: _may, ...delivery } = first.delivery;
		const to = {
			targets: group.map(({ shard, delivery: { registration, mayRepeat } }) => ({
				...shard,
				registration,
				mayRepeat
			})),
			waitMs: this.#timeoutMs,
			repeat: false
		};
		const { outcomes } = await fanOut(this.#env, {
			kind: "deliver",
			delivery
		}, to);
		const byName = new Map(outcomes.map((outcome) => [outcome.name, outcome.done]));
		for (const { shard, resolve, reject } of group) {
			const done = byName.get(shard.name) ?? null;
			if (done === null) reject(new Error(`shard ${shard.name} was not reached down the tree`));
			else resolve({
				kind: done.noListeners ? "noListeners" : "delivered",
				sessions: done.sessions
			});
		}
	}
};
function groupEqual(parcels) {
	const groups = [];
	for (const parcel of parcels) {
		const group = groups.find(([first]) => first !== void 0 && saysTheSame(first.delivery, parcel.delivery));
		if (group === void 0) groups.push([parcel]);
		else group.push(parcel);
	}
	return groups;
}
var saysTheSame = (one, other) => one.logEpoch === other.logEpoch && one.since === other.since && one.entries.length === other.entries.length && one.entries.every((entry, n) => entry === other.entries[n]);
// src/feed/durable-log.ts
var MAX_BODY_BYTES = 2e6;
var ID_TTL_MS = 3e5;
function openDurableLog(storage, options) {
	const { sql } = storage;
	const { limits } = options;
	sql.exec("INSERT INTO log (id, epoch, top, at) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING", options.newEpoch(), options.now);
	const row = sql.exec("SELECT epoch, top, version, version_epoch FROM log").one();
	let logEpoch = row.epoch;
	let { top } = row;
	let version = {
		number: row.version,
		epoch: row.version_epoch
	};
	const read = (query, ...values) => sql.exec(`SELECT offset, body FROM publications ${query}`, ...values).toArray().map(({ offset, body }) => ({
		kind: "pub",
		offset,
		body
	}));
	return {
		durable: true,
		get logEpoch() {
			return logEpoch;
		},
		get top() {
			return top;
		},
		append(publication, now) {
			const { id, body } = publication;
			const known = sql.exec("SELECT offset FROM ids WHERE id = ? AND until > ?", id, now).toArray()[0];
			if (known !== void 0) return {
				offset: known.offset,
				logEpoch,
				refused: null,
				repeated: true
			};
			const newer = publication.passing === true ? version : publication.version ?? version;
			const comparable = newer.epoch === "" || newer.epoch === version.epoch;
			if (newer !== version && comparable && newer.number <= version.number) return {
				offset: top,
				logEpoch,
				refused: null,
				repeated: true
			};
			if (body.length * 3 > MAX_BODY_BYTES && new TextEncoder().encode(body).byteLength > MAX_BODY_BYTES) return {
				offset: 0,
				logEpoch,
				refused: "tooLarge",
				repeated: false
			};
			if (publication.passing === true) {
				sql.exec("INSERT OR REPLACE INTO ids VALUES (?, 0, ?)", id, now + ID_TTL_MS);
				return {
					offset: 0,
					logEpoch,
					refused: null,
					repeated: false
				};
			}
			const offset = top + 1;
			storage.transactionSync(() => {
				sql.exec("INSERT INTO publications VALUES (?, ?, ?)", offset, now, body);
				sql.exec("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", id, offset, now + ID_TTL_MS);
				sql.exec("UPDATE log SET top = ?, at = ?", offset, now);
				if (newer !== version) sql.exec("UPDATE log SET version = ?, version_epoch = ?", newer.number, newer.epoch);
				sql.exec("DELETE FROM publications WHERE offset <= ?", offset - limits.size);
			});
			top = offset;
			version = newer;
			return {
				offset,
				logEpoch,
				refused: null,
				repeated: false
			};
		},
		after: (offset, limit) => read("WHERE offset > ? ORDER BY offset LIMIT ?", offset, limit),
		view: (after, limit) => ({
			logEpoch,
			top,
			publications: read("WHERE offset > ? ORDER BY offset DESC LIMIT ?", after, limit).toReversed()
		}),
		history: (query, max) => ({
			logEpoch,
			top,
			...history$1(query, {
				logEpoch,
				top,
				max,
				read
			})
		}),
		clear: () => void sql.exec("DELETE FROM publications"),
		expire(now, inUse) {
			sql.exec("DELETE FROM publications WHERE at <= ?", now - limits.ttlMs);
			sql.exec("DELETE FROM ids WHERE until <= ?", now);
			const { at } = sql.exec("SELECT at FROM log").one();
			const ids = sql.exec("SELECT 1 FROM ids LIMIT 1").toArray().length;
			if (!inUse && top > 0 && at + limits.metaTtlMs <= now && ids === 0) {
				const renewed = options.newEpoch();
				sql.exec("UPDATE log SET epoch = ?, top = 0, at = ?, version = 0, version_epoch = ''", renewed, now);
				[logEpoch, top] = [renewed, 0];
				version = {
					number: 0,
					epoch: ""
				};
				return;
			}
			return nextExpiry(sql, limits, top === 0 ? void 0 : Math.max(at + limits.metaTtlMs, now + 6e4));
		}
	};
}
function nextExpiry(sql, limits, forgetAt) {
	const oldest = sql.exec("SELECT MIN(at) AS at FROM publications").one().at;
	const id = sql.exec("SELECT MIN(until) AS until FROM ids").one().until;
	const due = [
		oldest === null ? void 0 : oldest + limits.ttlMs,
		id ?? void 0,
		forgetAt
	].filter((time) => time !== void 0);
	return due.length === 0 ? void 0 : Math.min(...due);
}
function history$1({ limit, reverse, since }, log) {
	if (since !== null && since.logEpoch !== "" && since.logEpoch !== log.logEpoch) return {
		publications: [],
		refused: "unrecoverablePosition"
	};
	if (reverse && since?.offset === 0) return {
		publications: [],
		refused: "badRequest"
	};
	if (limit === 0) return {
		publications: [],
		refused: null
	};
	const most = limit < 0 ? log.max : Math.min(limit, log.max);
	return {
		publications: reverse ? log.read("WHERE offset < ? ORDER BY offset DESC LIMIT ?", since?.offset ?? log.top + 1, most) : log.read("WHERE offset > ? ORDER BY offset LIMIT ?", since?.offset ?? 0, most),
		refused: null
	};
}
// src/feed/lane.ts
var LANE_BYTES = 8388608;
var BATCH = 256;
var Lane = class {
	#effects;
	#heard;
	#tried;
	#waiting = [];
	#waitingBytes = 0;
	#running = false;
	#done = Promise.resolve();
	constructor(position, effects) {
		this.#heard = position.heard;
		this.#tried = position.tried;
		this.#effects = effects;
	}
	get waits() {
		return this.#waiting.length > 0;
	}
	push(entry) {
		this.#waiting.push(entry);
		this.#waitingBytes += entry.body.length;
		while (this.#waitingBytes > LANE_BYTES && this.#waiting.length > 1) this.#waitingBytes -= this.#waiting.shift()?.body.length ?? 0;
		return this.run();
	}
	run() {
		if (this.#running) return this.#done;
		this.#running = true;
		this.#done = this.#run();
		return this.#done;
	}
	async #run() {
		try {
			for (let batch = this.#next(); batch !== void 0; batch = this.#next()) {
				this.#tried = Math.max(this.#tried, batch.upTo);
				const result = await this.#effects.deliver(batch);
				if (result.kind === "noListeners") return this.#effects.onNoListeners();
				this.#heard = batch.upTo;
				this.#effects.onHeard(batch.upTo, result.sessions);
			}
		} catch (error) {
			console.error("a shard did not take a delivery", error);
		} finally {
			this.#running = false;
		}
	}
	#next() {
		const since = this.#heard;
		const first = this.#waiting.find((entry) => entry.kind === "pub" && entry.offset > since);
		let entries;
		const missing = first?.offset === since + 1 ? [] : this.#effects.readAfter(since, BATCH);
		if (missing.length > 0) entries = [...missing];
		else {
			entries = this.#waiting.filter((entry) => entry.kind !== "pub" || entry.offset > since).slice(0, BATCH);
			const last = entries.at(-1);
			this.#waiting = last === void 0 ? [] : this.#waiting.slice(this.#waiting.indexOf(last) + 1);
			this.#waitingBytes = this.#waiting.reduce((sum, { body }) => sum + body.length, 0);
		}
		if (entries.length === 0) return void 0;
		const publications = entries.filter((entry) => entry.kind === "pub");
		const before = (publications[0]?.offset ?? since + 1) - 1;
		return {
			since: before,
			upTo: publications.at(-1)?.offset ?? since,
			mayRepeat: publications.length > 0 && before < this.#tried,
			entries
		};
	}
};
// src/feed/listeners.ts
var Listeners = class {
	#sql;
	#byName = new Map();
	#unsaved = new Set();
	constructor(sql) {
		this.#sql = sql;
		const rows = sql.exec("SELECT * FROM listeners");
		for (const { registration, name, region, heard } of rows) this.#byName.set(name, {
			shard: {
				name,
				region
			},
			registration,
			heard
		});
	}
	register(shard, heard) {
		const { registration } = this.#sql.exec("INSERT OR REPLACE INTO listeners (name, region, heard) VALUES (?, ?, ?) RETURNING registration", shard.name, shard.region, heard).one();
		const listener = {
			shard,
			registration,
			heard
		};
		this.#byName.set(shard.name, listener);
		this.#unsaved.delete(shard.name);
		return listener;
	}
	forget(name, registration) {
		if (this.#byName.get(name)?.registration !== registration) return false;
		this.#byName.delete(name);
		this.#unsaved.delete(name);
		this.#sql.exec("DELETE FROM listeners WHERE registration = ?", registration);
		return true;
	}
	hear(name, registration, heard) {
		const listener = this.#byName.get(name);
		if (listener?.registration !== registration || listener.heard >= heard) return;
		this.#byName.set(name, {
			...listener,
			heard
		});
		this.#unsaved.add(name);
	}
	save() {
		for (const name of this.#unsaved) {
			const listener = this.#byName.get(name);
			if (listener === void 0) continue;
			this.#sql.exec("UPDATE listeners SET heard = ? WHERE registration = ?", listener.heard, listener.registration);
		}
		this.#unsaved.clear();
	}
	get(name) {
		return this.#byName.get(name);
	}
	all() {
		return [...this.#byName.values()];
	}
};
// src/feed/log.ts
var REMEMBERED_IDS = 4096;
function openEphemeralLog(logEpoch) {
	let top = 0;
	const offsets = new Map();
	return {
		durable: false,
		logEpoch,
		get top() {
			return top;
		},
		append({ id }) {
			const known = offsets.get(id);
			if (known !== void 0) return {
				offset: known,
				logEpoch,
				refused: null,
				repeated: true
			};
			top += 1;
			offsets.set(id, top);
			if (offsets.size > REMEMBERED_IDS) offsets.delete(offsets.keys().next().value ?? "");
			return {
				offset: top,
				logEpoch,
				refused: null,
				repeated: false
			};
		},
		after: () => [],
		view: () => ({
			logEpoch,
			top,
			publications: []
		}),
		history: () => ({
			logEpoch,
			top,
			publications: [],
			refused: "notAvailable"
		}),
		clear: () => void 0,
		expire: () => void 0
	};
}
// src/feed/schema.ts
var MIGRATIONS = [`DROP TABLE IF EXISTS log;
   DROP TABLE IF EXISTS listeners;
   CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, top INTEGER NOT NULL, at INTEGER NOT NULL);
   CREATE TABLE publications (offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
   CREATE TABLE ids (id TEXT PRIMARY KEY, offset INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX ids_until ON ids (until);
   CREATE TABLE listeners (registration INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, heard INTEGER NOT NULL);`, `ALTER TABLE log ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE log ADD COLUMN version_epoch TEXT NOT NULL DEFAULT '';`];
function migrate(storage) {
	const version = storage.kv.get("schema") ?? 0;
	if (version >= MIGRATIONS.length) return;
	storage.transactionSync(() => {
		for (const step of MIGRATIONS.slice(version)) storage.sql.exec(step);
		storage.kv.put("schema", MIGRATIONS.length);
	});
}
// src/feed/feed.ts
var DELIVERY_RETRY_MS = 3e4;
var DELIVER_CHECK_MS = 5e3;
var DELIVER_CHECK_LAST_MS = 6e4;
var Feed = class {
	#parts;
	#log;
	#listeners;
	#lanes = new Map();
	#courier;
	#topAtWake;
	#checkMs = DELIVER_CHECK_MS;
	constructor(parts) {
		const { storage } = parts.ctx;
		this.#parts = parts;
		migrate(storage);
		this.#log = openLog(storage, parts.namespace);
		this.#topAtWake = this.#log.top;
		this.#listeners = new Listeners(storage.sql);
		this.#courier = new Courier(parts.env, parts.config);
	}
	get top() {
		return this.#log.top;
	}
	wake() {
		for (const listener of this.#behind()) this.#run(this.#laneOf(listener));
	}
	shards() {
		return this.#listeners.all().map(({ shard }) => shard);
	}
	register(shard, listening) {
		const heard = this.#startOf(shard, listening);
		if (heard === void 0) return null;
		const listener = this.#listeners.register(shard, heard);
		this.#run(this.#laneOf(listener, heard));
		return this.#describe(listener);
	}
	enlist(shard) {
		const known = this.#listeners.get(shard.name);
		if (known !== void 0) return this.#describe(known);
		const listener = this.#listeners.register(shard, this.#log.top);
		this.#laneOf(listener, listener.heard);
		return this.#describe(listener);
	}
	forget(name) {
		const listener = this.#listeners.get(name);
		if (listener !== void 0) this.#forget(listener);
	}
	async probe(name) {
		const listener = this.#listeners.get(name);
		if (listener === void 0) return false;
		const { env, config, name: channel } = this.#parts;
		const asked = shardStub(env, listener.shard).attends(channel);
		if (!await within(config.cluster.times.deliveryTimeoutMs, asked)) this.#forget(listener);
		return this.#listeners.get(name) !== void 0;
	}
	publish(publication) {
		const now = Date.now();
		const { repeated, ...result } = this.#log.append(publication, now);
		if (repeated || result.refused !== null) return result;
		const kept = this.#log.durable && publication.passing !== true;
		this.#parts.onPublished?.(publication.body, kept ? result.offset : null);
		if (publication.passing === true && this.#log.durable) {
			this.tell({
				kind: "passing",
				body: publication.body
			});
			return result;
		}
		if (this.#log.durable) {
			this.#arm("deliver", now + DELIVER_CHECK_MS);
			if (this.#parts.timetable.at("expire") === void 0) this.#arm("expire", this.#expire(now));
		}
		this.tell({
			kind: "pub",
			offset: result.offset,
			body: publication.body,
			at: now
		});
		return result;
	}
	tell(entry) {
		for (const listener of this.#listeners.all()) this.#parts.ctx.waitUntil(this.#laneOf(listener).push(entry));
	}
	view(after) {
		return this.#log.view(after, this.#parts.config.cluster.limits.recoveryMaxPublications);
	}
	history(query) {
		return this.#log.history(query, this.#parts.config.cluster.limits.historyMaxPublications);
	}
	removeHistory() {
		this.#log.clear();
		this.tell({
			kind: "cleared",
			body: ""
		});
	}
	run(duty) {
		return duty === "expire" ? this.#expire(Date.now()) : this.#checkDelivery();
	}
	#forget({ shard, registration }) {
		if (!this.#listeners.forget(shard.name, registration)) return;
		this.#lanes.delete(shard.name);
		this.#parts.onForgotten?.();
	}
	#describe({ registration, heard }) {
		const { logEpoch, durable } = this.#log;
		return {
			number: registration,
			logEpoch,
			offset: heard,
			durable
		};
	}
	#startOf(shard, listening) {
		const { logEpoch, top, durable } = this.#log;
		if (listening === null || !durable) return top;
		const { position } = listening;
		if (position === null) return this.#listeners.get(shard.name)?.heard;
		return position.logEpoch === logEpoch && position.offset <= top ? position.offset : void 0;
	}
	#run(lane) {
		this.#parts.ctx.waitUntil(lane.run());
	}
	#behind() {
		if (!this.#log.durable) return [];
		return this.#listeners.all().filter(({ heard, shard }) => {
			if (heard >= this.#log.top) return false;
			return this.#lanes.get(shard.name)?.lane.waits === true || this.#log.after(heard, 1).length > 0;
		});
	}
	#checkDelivery() {
		for (const listener of this.#behind()) this.#run(this.#laneOf(listener));
		this.#listeners.save();
		if (this.#behind().length === 0) {
			this.#checkMs = DELIVER_CHECK_MS;
			return;
		}
		const next = Date.now() + this.#checkMs;
		this.#checkMs = Math.min(this.#checkMs * 2, DELIVER_CHECK_LAST_MS);
		return next;
	}
	#expire(now) {
		return this.#log.expire(now, this.#listeners.all().length > 0);
	}
	#arm(duty, at) {
		if (at !== void 0) this.#parts.ctx.waitUntil(this.#parts.timetable.arm(duty, at));
	}
	#laneOf(listener, fresh) {
		const { shard, registration } = listener;
		const known = this.#lanes.get(shard.name);
		if (known?.registration === registration) return known.lane;
		const lane = new Lane(this.#log.durable ? {
			heard: listener.heard,
			tried: fresh ?? this.#topAtWake
		} : {
			heard: 0,
			tried: 0
		}, {
			deliver: (batch) => this.#deliver(listener, batch),
			readAfter: (offset, limit) => this.#log.after(offset, limit),
			onHeard: (offset, sessions) => {
				this.#listeners.hear(shard.name, registration, offset);
				this.#parts.onHeard?.(shard, offset, sessions);
			},
			onNoListeners: () => {
				this.#forget(listener);
			}
		});
		this.#lanes.set(shard.name, {
			registration,
			lane
		});
		return lane;
	}
	async #deliver({ shard, registration }, batch) {
		const { durable, logEpoch } = this.#log;
		const { upTo: _, ...rest } = batch;
		const delivery = {
			...rest,
			channel: this.#parts.name,
			registration,
			logEpoch,
			durable
		};
		let attempts = 0;
		return callAgain(() => {
			attempts += 1;
			const again = attempts > 1;
			return this.#courier.deliver(shard, {
				...delivery,
				mayRepeat: batch.mayRepeat || again
			}, again);
		}, DELIVERY_RETRY_MS);
	}
};
var newEpoch = () => crypto.randomUUID().slice(0, 8);
function openLog(storage, namespace) {
	if (namespace === void 0 || !keepsHistory(namespace)) return openEphemeralLog(newEpoch());
	return openDurableLog(storage, {
		limits: {
			size: namespace.history_size,
			ttlMs: namespace.history_ttl,
			metaTtlMs: namespace.history_meta_ttl
		},
		newEpoch,
		now: Date.now()
	});
}
// src/hooks/event-queue.ts
var EventQueue = class {
	#sql;
	#table;
	#settings;
	#exists;
	constructor(storage, table, settings) {
		this.#sql = storage.sql;
		this.#table = table;
		this.#settings = settings;
	}
	get exists() {
		this.#exists ??= this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", this.#table).toArray().length > 0;
		return this.#exists;
	}
	add(event, due) {
		if (!this.exists) {
			this.#sql.exec(`CREATE TABLE ${this.#table} (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, at INTEGER NOT NULL, batch TEXT, tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL)`);
			this.#exists = true;
		}
		this.#sql.exec(`INSERT INTO ${this.#table} (body, at, due) VALUES (?, ?, ?)`, JSON.stringify(event), event.at, due);
	}
	take(now, lots) {
		if (!this.exists) return [];
		if (lots > 1) return this.#rows("WHERE due <= ? ORDER BY seq LIMIT ?", now, lots).map((row) => lotOf([row]));
		const [oldest] = this.#rows("ORDER BY seq LIMIT 1");
		if (oldest === void 0 || oldest.due > now) return [];
		if (oldest.batch !== null) return [lotOf(this.#rows("WHERE batch = ? ORDER BY seq", oldest.batch))];
		const rows = this.#rows("WHERE batch IS NULL ORDER BY seq LIMIT ?", this.#settings.batch);
		const batch = crypto.randomUUID();
		this.#update(`SET batch = ? WHERE seq <= ?`, batch, rows.at(-1)?.seq ?? 0);
		return [lotOf(rows.map((row) => ({
			...row,
			batch
		})))];
	}
	done({ rows }) {
		for (const seq of rows) this.#sql.exec(`DELETE FROM ${this.#table} WHERE seq = ?`, seq);
	}
	failed(lot, now) {
		const { keepMs, retryFirstMs, retryLastMs } = this.#settings;
		if (Math.max(...lot.events.map(({ at }) => at)) + keepMs <= now) {
			console.error(`dropped, as nobody took them: ${lot.events.map(({ id }) => id).join(", ")}`);
			return this.done(lot);
		}
		const pause = Math.min(retryLastMs, retryFirstMs * 2 ** lot.tries) * (.75 + Math.random() / 4);
		for (const seq of lot.rows) this.#update("SET tries = ?, due = ? WHERE seq = ?", lot.tries + 1, now + pause, seq);
	}
	nextDue(lots) {
		if (!this.exists) return void 0;
		const [next] = this.#rows(lots > 1 ? "ORDER BY due LIMIT 1" : "ORDER BY seq LIMIT 1");
		return next?.due;
	}
	#rows(where, ...values) {
		return this.#sql.exec(`SELECT * FROM ${this.#table} ${where}`, ...values).toArray();
	}
	#update(what, ...values) {
		this.#sql.exec(`UPDATE ${this.#table} ${what}`, ...values);
	}
};
var lotOf = (rows) => ({
	batch: rows[0]?.batch ?? "",
	events: rows.map(({ body }) => JSON.parse(body)),
	rows: rows.map(({ seq }) => seq),
	tries: rows[0]?.tries ?? 0
});
// src/hooks/hear.ts
var HEARERS = {
	connected: null,
	disconnected: "onDisconnect",
	occupied: "onChannelOccupied",
	vacated: "onChannelVacated",
	published: null,
	shards: "onShardChange"
};
function hears(hooks, type) {
	const name = HEARERS[type];
	return name !== null && hooks[name] !== void 0;
}
async function tell(hooks, event, by) {
	await within(by.timeoutMs, Promise.resolve().then(() => hear(hooks, event, by.env)));
}
function hear(hooks, event, env) {
	switch (event.type) {
		case "disconnected": return hooks.onDisconnect?.({
			...event,
			env
		});
		case "occupied": return hooks.onChannelOccupied?.({
			...event,
			env
		});
		case "vacated": return hooks.onChannelVacated?.({
			...event,
			env
		});
		case "shards": return hooks.onShardChange?.({
			...event,
			env
		});
		case "connected":
		case "published": return;
	}
}
// src/hooks/webhook.ts
async function postEvents(webhook, post) {
	const body = JSON.stringify({ events: post.events });
	const now = new Date();
	const response = await fetch(webhook.url, {
		method: "POST",
		headers: {
			"content-type": "application/json",
			"webhook-id": post.batch,
			"webhook-timestamp": String(Math.floor(now.getTime() / 1e3)),
			"webhook-signature": new Webhook(post.secret).sign(post.batch, now, body)
		},
		body,
		redirect: "manual",
		signal: AbortSignal.timeout(webhook.timeoutMs)
	});
	await response.body?.cancel();
	if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
}
// src/hooks/events.ts
var HOOKS_AT_ONCE = 32;
var CHECK_MS = 3e4;
var HOOK_RETRY = {
	retryFirstMs: 1e3,
	retryLastMs: 6e5,
	keepMs: 864e5
};
var Events = class {
	#arm;
	#lines;
	constructor(parts) {
		const { ctx, env, config, hooks } = parts;
		const { times, webhook } = config.cluster;
		this.#arm = (at) => ctx.waitUntil(parts.timetable.arm("events", at));
		const toHooks = {
			queue: new EventQueue(ctx.storage, "hook_events", {
				batch: 1,
				...HOOK_RETRY,
				...retryOf(config)
			}),
			wants: (type) => hears(hooks, type),
			delayMs: 0,
			deliver: async ([event]) => {
				if (event !== void 0) await tell(hooks, event, {
					env,
					timeoutMs: times.hookTimeoutMs
				});
			},
			atOnce: parts.ordered ? 1 : HOOKS_AT_ONCE,
			busy: false
		};
		this.#lines = [toHooks];
		if (webhook === void 0) return;
		const toWebhook = {
			queue: new EventQueue(ctx.storage, "webhook_events", {
				batch: webhook.batchEvents,
				...webhook
			}),
			wants: (type) => webhook.events.includes(type),
			delayMs: webhook.batchMs,
			deliver: (events, batch) => postEvents(webhook, {
				secret: env.WEBHOOK_SECRET ?? "",
				events,
				batch
			}),
			atOnce: 1,
			busy: false
		};
		this.#lines = [toHooks, toWebhook];
	}
	wants(type) {
		return this.#lines.some((line) => line.wants(type));
	}
	record(fact) {
		const now = Date.now();
		const event = {
			id: crypto.randomUUID(),
			at: now,
			...fact
		};
		for (const { queue, wants, delayMs } of this.#lines) {
			if (!wants(fact.type)) continue;
			queue.add(event, now + delayMs);
			this.#arm(now + delayMs);
		}
	}
	published(channel, body, offset) {
		if (!this.wants("published")) return;
		const publication = JSON.parse(body);
		this.record({
			type: "published",
			channel,
			offset,
			publication
		});
	}
	run(now) {
		let next;
		for (const line of this.#lines) {
			const due = line.queue.nextDue(line.atOnce);
			if (due === void 0) continue;
			if (due <= now && !line.busy) this.#pump(line);
			const again = line.busy ? now + CHECK_MS : due;
			next = Math.min(next ?? again, again);
		}
		return next;
	}
	async #pump(line) {
		const { queue } = line;
		line.busy = true;
		try {
			for (;;) {
				const lots = queue.take(Date.now(), line.atOnce);
				if (lots.length === 0) break;
				await Promise.all(lots.map(async (lot) => {
					try {
						await line.deliver(lot.events, lot.batch);
						queue.done(lot);
					} catch (error) {
						console.error(`events were not taken, and are tried again`, error);
						queue.failed(lot, Date.now());
					}
				}));
			}
		} finally {
			line.busy = false;
			const next = queue.nextDue(line.atOnce);
			if (next !== void 0) this.#arm(next);
		}
	}
};
function retryOf({ cluster: { webhook } }) {
	if (webhook === void 0) return {};
	const { retryFirstMs, retryLastMs, keepMs } = webhook;
	return {
		retryFirstMs,
		retryLastMs,
		keepMs
	};
}
// src/platform/config.ts
var known = new WeakMap();
function configOf(env) {
	let config = known.get(env);
	if (config === void 0) {
		config = parseConfig(env);
		known.set(env, config);
	}
	return config;
}
// src/platform/timetable.ts
var Timetable = class {
	#storage;
	#entries;
	#meanwhile = new Map();
	#running = new Set();
	constructor(storage) {
		this.#storage = storage;
	}
	at(name) {
		return this.#read()[name];
	}
	async arm(name, at) {
		if (this.#running.has(name)) {
			this.#meanwhile.set(name, Math.min(at, this.#meanwhile.get(name) ?? Infinity));
			return;
		}
		const present = this.at(name);
		if (present !== void 0 && present <= at) return;
		await this.#write({
			...this.#read(),
			[name]: at
		});
	}
	async run(now, duty) {
		const before = this.#read();
		const due = Object.keys(before).filter((name) => (before[name] ?? Infinity) <= now && !this.#running.has(name));
		const next = new Map();
		for (const name of due) this.#running.add(name);
		for (const name of due) try {
			next.set(name, await duty(name, before[name] ?? now));
		} catch (error) {
			console.error(`duty ${name} failed and is tried again`, error);
			next.set(name, now + RETRY_MS$1);
		}
		const entries = { ...this.#read() };
		for (const name of due) {
			const at = Math.min(next.get(name) ?? Infinity, this.#meanwhile.get(name) ?? Infinity);
			this.#running.delete(name);
			this.#meanwhile.delete(name);
			if (at === Infinity) delete entries[name];
			else entries[name] = at;
		}
		await this.#write(entries);
	}
	#read() {
		this.#entries ??= this.#storage.kv.get("timetable") ?? {};
		return this.#entries;
	}
	async #write(entries) {
		this.#entries = entries;
		this.#storage.kv.put("timetable", entries);
		const times = Object.values(entries).filter((time) => time !== void 0);
		if (times.length === 0) await this.#storage.deleteAlarm();
		else await this.#storage.setAlarm(Math.min(...times));
	}
};
var RETRY_MS$1 = 2e3;
// src/protocol/channel-name.ts
var PRINTABLE_ASCII = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
function parseChannel(name, maxBytes) {
	if (name.length > maxBytes || !PRINTABLE_ASCII.test(name)) return { ok: false };
	const isPrivate = name.startsWith("$");
	const bare = isPrivate ? name.slice(1) : name;
	const colon = bare.indexOf(":");
	const hash = name.indexOf("#");
	return {
		ok: true,
		channel: {
			name,
			namespace: colon < 0 ? void 0 : bare.slice(0, colon),
			isPrivate,
			users: hash < 0 ? void 0 : name.slice(hash + 1).split(",")
		}
	};
}
// src/protocol/live.ts
var LIVE_CHANNEL = "ringcast:live";
// src/protocol/permissions.ts
function namespaceOf(config, channel) {
	if (isBroadcast(config, channel.name)) return config.broadcast;
	return channel.namespace === void 0 ? config.defaultNamespace : config.namespaces.get(channel.namespace);
}
var isBroadcast = ({ cluster }, channel) => cluster.broadcast.enabled && channel === cluster.broadcast.channel;
var isReserved = ({ config, channel }) => channel.namespace === "ringcast" || isBroadcast(config, channel.name);
function planSubscribe(asked) {
	const { config, channel, user } = asked;
	if (channel.name === "ringcast:live" && asked.operator === true) return "allowed";
	const namespace = namespaceOf(config, channel);
	if (isReserved(asked)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (asked.granted) return "allowed";
	if (config.cluster.insecure) return "allowed";
	if (channel.isPrivate) return "permissionDenied";
	if (channel.users !== void 0 && namespace.allow_user_limited_channels) return user !== "" && channel.users.includes(user) ? "allowed" : "permissionDenied";
	return namespace.allow_subscribe_for_client && (user !== "" || namespace.allow_subscribe_for_anonymous) ? "allowed" : "permissionDenied";
}
function mayPublish(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (isReserved(asked)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (asked.granted) return "allowed";
	return decide(asked, (namespace.allow_publish_for_client || namespace.allow_publish_for_subscriber && asked.subscribed) && (asked.user !== "" || namespace.allow_publish_for_anonymous));
}
function mayPresence(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (isReserved(asked)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (!namespace.presence) return "notAvailable";
	return decide(asked, (namespace.allow_presence_for_client || namespace.allow_presence_for_subscriber && asked.subscribed) && (asked.user !== "" || namespace.allow_presence_for_anonymous));
}
function mayHistory(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (isReserved(asked)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (!keepsHistory(namespace)) return "notAvailable";
	return decide(asked, (namespace.allow_history_for_client || namespace.allow_history_for_subscriber && asked.subscribed) && (asked.user !== "" || namespace.allow_history_for_anonymous));
}
function planTracking(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (namespace === void 0 || !keepsHistory(namespace)) return {
		recoverable: false,
		positioned: false,
		delta: false,
		mode: "stream"
	};
	const history = mayHistory({
		...asked,
		subscribed: true
	}) === "allowed";
	const recoverable = namespace.force_recovery || asked.recoverable && (namespace.allow_recovery || history);
	const positioned = namespace.force_positioning || asked.positioned && (namespace.allow_positioning || history);
	const tracked = recoverable || positioned;
	return {
		recoverable,
		positioned: tracked,
		delta: tracked && asked.delta === "fossil" && namespace.allowed_delta_types.includes("fossil"),
		mode: namespace.force_recovery_mode
	};
}
function mayJoinLeave(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (namespace?.join_leave !== true) return false;
	const permitted = asked.operator === true || mayPresence(asked) === "allowed";
	return namespace.force_push_join_leave || asked.asked && permitted;
}
var decide = ({ config }, granted) => granted || config.cluster.insecure ? "allowed" : "permissionDenied";
// src/channel/held-leaves.ts
var HeldLeaves = class {
	#holdMs;
	#release;
	#held = new Map();
	constructor(holdMs, release) {
		this.#holdMs = holdMs;
		this.#release = release;
	}
	pass(event) {
		if (event.kind === "join") return !this.#dropOne(event.user);
		if (!event.held) return true;
		const timer = setTimeout(() => {
			this.#forget(event.user, timer);
			this.#release(event);
		}, this.#holdMs);
		this.#held.set(event.user, [...this.#held.get(event.user) ?? [], timer]);
		return false;
	}
	#dropOne(user) {
		const timer = this.#held.get(user)?.[0];
		if (timer === void 0) return false;
		clearTimeout(timer);
		this.#forget(user, timer);
		return true;
	}
	#forget(user, timer) {
		const rest = (this.#held.get(user) ?? []).filter((other) => other !== timer);
		if (rest.length === 0) this.#held.delete(user);
		else this.#held.set(user, rest);
	}
};
// src/channel/occupancy.ts
var Occupancy = class {
	#parts;
	constructor(parts) {
		this.#parts = parts;
	}
	entered() {
		const { ctx, channel, events } = this.#parts;
		if (!this.#wanted() || this.#occupied()) return;
		ctx.storage.kv.put("occupied", true);
		events.record({
			type: "occupied",
			channel
		});
	}
	left() {
		const { ctx, timetable, graceMs, shards } = this.#parts;
		if (shards() > 0 || !this.#wanted() || !this.#occupied()) return;
		const now = Date.now();
		ctx.storage.kv.put("left", now);
		ctx.waitUntil(timetable.arm("vacant", now + graceMs));
	}
	settle() {
		if (this.#parts.timetable.at("vacant") === void 0) this.run(Date.now());
	}
	run(now) {
		const { ctx, channel, events, graceMs, shards } = this.#parts;
		if (shards() > 0 || !this.#wanted() || !this.#occupied()) return void 0;
		const dueAt = (ctx.storage.kv.get("left") ?? 0) + graceMs;
		if (now < dueAt) return dueAt;
		ctx.storage.kv.delete("occupied");
		ctx.storage.kv.delete("left");
		events.record({
			type: "vacated",
			channel
		});
	}
	#wanted() {
		return this.#parts.events.wants("occupied") || this.#parts.events.wants("vacated");
	}
	#occupied() {
		return this.#parts.ctx.storage.kv.get("occupied") === true;
	}
};
// src/channel/channel.ts
var PRESENCE_WAIT_MS = 2e3;
var Channel = class extends DurableObject {
	static hooks = {};
	#config;
	#name;
	#feed;
	#heldLeaves;
	#timetable;
	#events;
	#occupancy;
	#awake = false;
	constructor(ctx, env) {
		super(ctx, env);
		const { hooks } = new.target;
		if (ctx.id.name === void 0) throw new Error("a channel is addressed by its name");
		this.#config = configOf(env);
		this.#name = ctx.id.name;
		this.#timetable = new Timetable(ctx.storage);
		const config = this.#config;
		const timetable = this.#timetable;
		this.#events = new Events({
			ctx,
			env,
			config,
			hooks,
			timetable,
			ordered: true
		});
		const parsed = parseChannel(this.#name, this.#config.cluster.limits.channelBytes);
		this.#feed = new Feed({
			ctx,
			env,
			config: this.#config,
			name: this.#name,
			namespace: parsed.ok ? namespaceOf(this.#config, parsed.channel) : void 0,
			timetable: this.#timetable,
			onPublished: (body, offset) => this.#events.published(this.#name, body, offset),
			onForgotten: () => this.#occupancy.left()
		});
		this.#occupancy = new Occupancy({
			ctx,
			channel: this.#name,
			events: this.#events,
			timetable,
			graceMs: config.cluster.times.vacatedGraceMs,
			shards: () => this.#feed.shards().length
		});
		this.#heldLeaves = new HeldLeaves(this.#config.cluster.times.movedLeaveHoldMs, ({ kind, body }) => this.#feed.tell({
			kind,
			body
		}));
	}
	register(shard, listening) {
		this.#wake();
		const registration = this.#feed.register(shard, listening);
		if (registration !== null) this.#occupancy.entered();
		return registration;
	}
	async settle(shardName) {
		this.#wake();
		const registered = await this.#feed.probe(shardName);
		if (!registered) this.#occupancy.settle();
		return registered;
	}
	publish(publication) {
		this.#wake();
		return this.#feed.publish(publication);
	}
	view(after) {
		this.#wake();
		return this.#feed.view(after);
	}
	history(query) {
		this.#wake();
		return this.#feed.history(query);
	}
	removeHistory() {
		this.#wake();
		this.#feed.removeHistory();
	}
	announce(events) {
		this.#wake();
		for (const event of events) if (this.#heldLeaves.pass(event)) this.#feed.tell({
			kind: event.kind,
			body: event.body
		});
	}
	async presence(except) {
		this.#wake();
		const others = this.#feed.shards().filter(({ name }) => name !== except);
		return (await Promise.all(others.map((shard) => callAgain(() => within(PRESENCE_WAIT_MS, shardStub(this.env, shard).presenceHere(this.#name)))))).flat();
	}
	async alarm() {
		this.#wake();
		await this.#timetable.run(Date.now(), async (duty) => {
			if (duty === "events") return this.#events.run(Date.now());
			if (duty === "vacant") return this.#occupancy.run(Date.now());
			return this.#feed.run(duty);
		});
	}
	crash() {
		this.ctx.abort("crashed by the operator");
	}
	#wake() {
		if (this.#awake) return;
		this.#awake = true;
		this.#feed.wake();
	}
};
// src/platform/configured.ts
function configuredDescriptor({ cluster }) {
	const { defaultRegion, initial, initialWeight, seed } = cluster.shards;
	return {
		epoch: 0,
		seed,
		shards: Array.from({ length: initial }, (_, n) => ({
			id: `${defaultRegion}-${n + 1}`,
			region: defaultRegion,
			weight: initialWeight,
			state: "active"
		})),
		defaultRegion
	};
}
// src/ring/hash.ts
var PRIME_1 = 2654435761;
var PRIME_2 = 2246822519;
var PRIME_3 = 3266489917;
var PRIME_4 = 668265263;
var PRIME_5 = 374761393;
var SCRATCH_BYTES = 4096;
var scratch = new Uint8Array(SCRATCH_BYTES);
function hashKey(key, seed) {
	const most = key.length * 3;
	const bytes = most <= SCRATCH_BYTES ? scratch : new Uint8Array(most);
	return hashBytes(bytes, encodeUtf8(key, bytes), seed);
}
function mix32(n) {
	let mixed = n;
	mixed = Math.imul(mixed ^ mixed >>> 16, 2246822507);
	mixed = Math.imul(mixed ^ mixed >>> 13, 3266489909);
	return (mixed ^ mixed >>> 16) >>> 0;
}
function hashBytes(bytes, length, seed) {
	let at = 0;
	let hash;
	if (length >= 16) {
		let lane1 = seed + PRIME_1 + PRIME_2 | 0;
		let lane2 = seed + PRIME_2 | 0;
		let lane3 = seed | 0;
		let lane4 = seed - PRIME_1 | 0;
		for (const last = length - 16; at <= last; at += 16) {
			lane1 = round(lane1, word(bytes, at));
			lane2 = round(lane2, word(bytes, at + 4));
			lane3 = round(lane3, word(bytes, at + 8));
			lane4 = round(lane4, word(bytes, at + 12));
		}
		hash = rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18) | 0;
	} else hash = seed + PRIME_5 | 0;
	hash = hash + length | 0;
	for (; at + 4 <= length; at += 4) hash = Math.imul(rotate(hash + Math.imul(word(bytes, at), PRIME_3), 17), PRIME_4);
	for (; at < length; at++) hash = Math.imul(rotate(hash + Math.imul(byte(bytes, at), PRIME_5), 11), PRIME_1);
	hash = Math.imul(hash ^ hash >>> 15, PRIME_2);
	hash = Math.imul(hash ^ hash >>> 13, PRIME_3);
	return (hash ^ hash >>> 16) >>> 0;
}
var round = (lane, input) => Math.imul(rotate(lane + Math.imul(input, PRIME_2), 13), PRIME_1);
var rotate = (n, bits) => n << bits | n >>> 32 - bits;
var byte = (bytes, at) => bytes[at] ?? 0;
var word = (bytes, at) => byte(bytes, at) | byte(bytes, at + 1) << 8 | byte(bytes, at + 2) << 16 | byte(bytes, at + 3) << 24;
function encodeUtf8(text, into) {
	let end = 0;
	for (let at = 0; at < text.length; at++) {
		let code = text.charCodeAt(at);
		if (code < 128) {
			into[end++] = code;
			continue;
		}
		if (code < 2048) {
			into[end++] = 192 | code >> 6;
			into[end++] = 128 | code & 63;
			continue;
		}
		if (isSurrogate(code)) {
			code = text.codePointAt(at) ?? REPLACEMENT;
			if (code > 65535) {
				at++;
				into[end++] = 240 | code >> 18;
				into[end++] = 128 | code >> 12 & 63;
				into[end++] = 128 | code >> 6 & 63;
				into[end++] = 128 | code & 63;
				continue;
			}
			code = REPLACEMENT;
		}
		into[end++] = 224 | code >> 12;
		into[end++] = 128 | code >> 6 & 63;
		into[end++] = 128 | code & 63;
	}
	return end;
}
var REPLACEMENT = 65533;
var isSurrogate = (code) => code >= 55296 && code <= 57343;
// src/ring/descriptor.ts
var RING_ALGORITHM = 1;
var MAX_SHARDS = 65535;
var DIGEST_SEEDS = [1380535879, 1128354644];
function canonical(descriptor) {
	return {
		...descriptor,
		shards: descriptor.shards.toSorted((a, b) => compareText(a.id, b.id))
	};
}
function digest(descriptor) {
	const { epoch, seed, defaultRegion, shards } = canonical(descriptor);
	const rows = shards.map((shard) => [
		shard.id,
		shard.region,
		shard.weight,
		shard.state
	]);
	const text = JSON.stringify([
		RING_ALGORITHM,
		epoch,
		seed,
		defaultRegion,
		rows
	]);
	return DIGEST_SEEDS.map((digestSeed) => hex(hashKey(text, digestSeed))).join("");
}
function objectName(shard) {
	return `${shard.region}/${shard.id}`;
}
function checkShards(descriptor) {
	if (descriptor.shards.length > 65535) return refuse$3({
		kind: "tooManyShards",
		most: MAX_SHARDS
	});
	const idByHash = new Map();
	for (const { id, weight } of descriptor.shards) {
		if (!Number.isInteger(weight) || weight < 1 || weight > 64) return refuse$3({
			kind: "badWeight",
			id,
			weight
		});
		const hash = hashKey(id, descriptor.seed);
		const other = idByHash.get(hash);
		if (other === id) return refuse$3({
			kind: "duplicateId",
			id
		});
		if (other !== void 0) return refuse$3({
			kind: "hashCollision",
			id,
			other
		});
		idByHash.set(hash, id);
	}
	return { ok: true };
}
var refuse$3 = (reason) => ({
	ok: false,
	reason
});
var compareText = (a, b) => a < b ? -1 : a > b ? 1 : 0;
var hex = (n) => n.toString(16).padStart(8, "0");
// src/ring/placement.ts
var POINTS_PER_WEIGHT = 32;
function ringPlacement(seed) {
	return {
		hash: (key) => hashKey(key, seed),
		points: (shard) => {
			const hash = hashKey(shard.id, seed);
			const points = new Uint32Array(shard.weight * POINTS_PER_WEIGHT);
			for (let j = 0; j < points.length; j++) points[j] = mix32(hash ^ mix32(j + 1));
			return points;
		}
	};
}
// src/ring/table.ts
var SLOT_COUNT = 65536;
var SLOT_SHIFT = 16;
var WITHIN_SLOT = 65535;
var NO_POINT = 65536;
function slotOf(hash) {
	return hash >>> SLOT_SHIFT;
}
function slotStart(slot) {
	return slot << SLOT_SHIFT >>> 0;
}
function buildTable(shards, members, points) {
	const table = new Uint16Array(SLOT_COUNT);
	const lowest = new Uint32Array(SLOT_COUNT).fill(NO_POINT);
	for (const index of members) {
		const shard = shards[index];
		if (shard === void 0) throw new RangeError(`no shard has the index ${index}`);
		for (const position of points(shard)) {
			const slot = slotOf(position);
			const within = position & WITHIN_SLOT;
			if (within >= (lowest[slot] ?? NO_POINT)) continue;
			lowest[slot] = within;
			table[slot] = index;
		}
	}
	const first = lowest.findIndex((within) => within !== NO_POINT);
	if (first === -1) throw new RangeError("no shard has a point");
	let owner = table[first] ?? 0;
	for (let slot = 65535; slot >= 0; slot--) if (lowest[slot] === NO_POINT) table[slot] = owner;
	else owner = table[slot] ?? owner;
	return table;
}
// src/ring/explain.ts
function explain(ring, key, clientRegion) {
	const hash = ring.placement.hash(key);
	const slot = slotOf(hash);
	const [owner, ...next] = ring.owners(key, clientRegion);
	return {
		key,
		hash,
		slot,
		ringEpoch: ring.descriptor.epoch,
		clientRegion,
		region: ring.regionOf(clientRegion) ?? null,
		owner: owner?.id ?? null,
		nextOwners: next.map((shard) => shard.id),
		point: owner === void 0 ? null : firstPoint(owner, slot, ring.placement.points)
	};
}
function firstPoint(owner, slot, points) {
	const start = slotStart(slot);
	let nearest = null;
	let least = Infinity;
	let index = 0;
	for (const position of points(owner)) {
		const distance = position - start >>> 0;
		if (distance < least) {
			least = distance;
			nearest = {
				position,
				shard: owner.id,
				index
			};
		}
		index++;
	}
	return nearest;
}
// src/ring/ring.ts
var DEFAULT_OWNERS = 3;
var Ring = class {
	descriptor;
	placement;
	#membersByRegion;
	#fallbackRegion;
	#tables = new Map();
	#digest;
	constructor(descriptor, placement) {
		this.descriptor = canonical(descriptor);
		this.placement = placement;
		this.#membersByRegion = groupActive(this.descriptor.shards);
		this.#fallbackRegion = this.#membersByRegion.has(descriptor.defaultRegion) ? descriptor.defaultRegion : this.regions()[0];
	}
	get digest() {
		this.#digest ??= digest(this.descriptor);
		return this.#digest;
	}
	regions() {
		return [...this.#membersByRegion.keys()].toSorted();
	}
	slot(key) {
		return slotOf(this.placement.hash(key));
	}
	regionOf(clientRegion) {
		return this.#membersByRegion.has(clientRegion) ? clientRegion : this.#fallbackRegion;
	}
	table(region) {
		const known = this.#tables.get(region);
		if (known !== void 0) return known;
		const members = this.#membersByRegion.get(region);
		if (members === void 0) return void 0;
		const table = buildTable(this.descriptor.shards, members, this.placement.points);
		this.#tables.set(region, table);
		return table;
	}
	owner(key, clientRegion) {
		return this.ownerOfSlot(this.slot(key), clientRegion);
	}
	ownerOfSlot(slot, clientRegion) {
		const region = this.regionOf(clientRegion);
		if (region === void 0) return void 0;
		const index = this.table(region)?.[slot];
		return index === void 0 ? void 0 : this.descriptor.shards[index];
	}
	owners(key, clientRegion, limit = DEFAULT_OWNERS) {
		const region = this.regionOf(clientRegion);
		const table = region === void 0 ? void 0 : this.table(region);
		if (region === void 0 || table === void 0) return [];
		const wanted = Math.min(limit, this.#membersByRegion.get(region)?.length ?? 0);
		const found = new Set();
		const start = this.slot(key);
		for (let step = 0; step < 65536 && found.size < wanted; step++) {
			const shard = this.descriptor.shards[table[(start + step) % 65536] ?? 0];
			if (shard !== void 0) found.add(shard);
		}
		return [...found];
	}
	explain(key, clientRegion) {
		return explain(this, key, clientRegion);
	}
	share() {
		const slots = new Uint32Array(this.descriptor.shards.length);
		for (const region of this.#membersByRegion.keys()) for (const index of this.table(region) ?? []) slots[index] = (slots[index] ?? 0) + 1;
		return new Map(this.descriptor.shards.map((shard, index) => [shard.id, (slots[index] ?? 0) / SLOT_COUNT]));
	}
};
function groupActive(shards) {
	const members = new Map();
	for (const [index, shard] of shards.entries()) {
		if (shard.state !== "active") continue;
		const region = members.get(shard.region);
		if (region === void 0) members.set(shard.region, [index]);
		else region.push(index);
	}
	return members;
}
// src/ring/build.ts
function buildRing(descriptor, placement = ringPlacement(descriptor.seed)) {
	const checked = checkShards(descriptor);
	if (!checked.ok) throw new RangeError(`no ring can be built: ${JSON.stringify(checked.reason)}`);
	return new Ring(descriptor, placement);
}
// src/ring/diff.ts
var OTHER_REGIONS = "other";
function diff(before, after) {
	if (before.descriptor.seed !== after.descriptor.seed) throw new RangeError("rings of two seeds cannot be compared");
	const regions = [];
	const moves = [];
	for (const region of clientRegions(before, after)) {
		const moved = diffRegion(before, after, region);
		const slots = moved.reduce((sum, move) => sum + move.slots, 0);
		regions.push({
			region,
			slots,
			share: slots / SLOT_COUNT
		});
		moves.push(...moved);
	}
	return {
		fromEpoch: before.descriptor.epoch,
		toEpoch: after.descriptor.epoch,
		regions,
		moves
	};
}
function clientRegions(before, after) {
	return [...[...new Set([...before.regions(), ...after.regions()])].toSorted(), OTHER_REGIONS];
}
function diffRegion(before, after, region) {
	const ownersBefore = ownersFor(before, region);
	const ownersAfter = ownersFor(after, region);
	const same = sameShards$1(before.descriptor.shards, after.descriptor.shards);
	const moves = new Map();
	for (let slot = 0; slot < SLOT_COUNT; slot++) {
		const from = ownersBefore[slot] ?? NOBODY;
		const to = ownersAfter[slot] ?? NOBODY;
		if (same[from] === to) continue;
		const pair = from * PAIR_BASE + to;
		let move = moves.get(pair);
		if (move === void 0) {
			const [source, target] = [before.descriptor.shards[from], after.descriptor.shards[to]];
			move = {
				region,
				from: source?.id ?? null,
				to: target?.id ?? null,
				slots: 0,
				ranges: []
			};
			moves.set(pair, move);
		}
		extend$1(move, slot);
	}
	return [...moves.values()];
}
var PAIR_BASE = 65536;
var NOBODY = 65535;
var GONE = 65536;
var UNOWNED = new Uint16Array(SLOT_COUNT).fill(NOBODY);
function ownersFor(ring, clientRegion) {
	const region = ring.regionOf(clientRegion);
	return (region === void 0 ? void 0 : ring.table(region)) ?? UNOWNED;
}
var nameOf = ({ region, id }) => `${region}/${id}`;
function sameShards$1(before, after) {
	const indexes = new Map(after.map((shard, index) => [nameOf(shard), index]));
	const same = new Uint32Array(65536).fill(GONE);
	for (const [index, shard] of before.entries()) same[index] = indexes.get(nameOf(shard)) ?? GONE;
	same[NOBODY] = NOBODY;
	return same;
}
function extend$1(move, slot) {
	move.slots++;
	const last = move.ranges.at(-1);
	if (last !== void 0 && last[1] === slot - 1) last[1] = slot;
	else move.ranges.push([slot, slot]);
}
// src/coordinator/broadcasts.ts
var Broadcasts = class {
	#watches = new Set();
	async watch(what, stillThere) {
		const { promise, resolve } = Promise.withResolvers();
		const watch = {
			offset: what.offset,
			startedAt: Date.now(),
			outcomes: new Map(),
			missing: new Set(what.shards.map(({ name }) => name)),
			done: resolve
		};
		this.#watches.add(watch);
		const timer = setTimeout(resolve, what.waitMs);
		if (watch.missing.size > 0) await promise;
		clearTimeout(timer);
		this.#watches.delete(watch);
		const there = stillThere();
		const pending = [...watch.missing].filter((name) => there.has(name)).map((name) => ({
			name,
			ok: false,
			delivered: 0,
			ms: Date.now() - watch.startedAt,
			pending: true
		}));
		return [...watch.outcomes.values(), ...pending];
	}
	left(name) {
		for (const watch of this.#watches) if (watch.missing.delete(name) && watch.missing.size === 0) watch.done();
	}
	heard({ name }, offset, sessions) {
		for (const watch of this.#watches) {
			if (offset < watch.offset || !watch.missing.delete(name)) continue;
			const ms = Date.now() - watch.startedAt;
			watch.outcomes.set(name, {
				name,
				ok: true,
				delivered: sessions,
				ms,
				pending: false
			});
			if (watch.missing.size === 0) watch.done();
		}
	}
};
// src/coordinator/ask-all.ts
async function askAll(env, shards, question) {
	const answers = new Map();
	const silent = [];
	await Promise.all([...shards].map(async (shard) => {
		try {
			answers.set(shard.name, await within(question.waitMs, question.ask(shardStub(env, shard), shard)));
		} catch (error) {
			console.error(`shard ${shard.name} did not answer`, error);
			silent.push(shard.name);
		}
	}));
	return {
		answers,
		silent
	};
}
// src/platform/live-channel.ts
async function sayLive(env, event) {
	try {
		await channelStub(env, LIVE_CHANNEL).publish({
			id: crypto.randomUUID(),
			body: JSON.stringify({ data: event })
		});
	} catch (error) {
		console.error("the live feed has lost an event", error);
	}
}
// src/coordinator/live.ts
var WATCH_MS = 2e3;
var Live$1 = class {
	#ctx;
	#env;
	#shards;
	constructor(parts) {
		this.#ctx = parts.ctx;
		this.#env = parts.env;
		this.#shards = parts.shards;
	}
	async watch(until) {
		if (until > this.#until) this.#ctx.storage.kv.put("watchedUntil", until);
		await this.pass();
	}
	async pass() {
		const until = this.#until;
		if (until <= Date.now()) return;
		await askAll(this.#env, this.#shards(), {
			waitMs: WATCH_MS,
			ask: (stub) => stub.watch(until)
		});
	}
	say(event) {
		if (this.#until > Date.now()) this.#ctx.waitUntil(sayLive(this.#env, event));
	}
	get #until() {
		return this.#ctx.storage.kv.get("watchedUntil") ?? 0;
	}
};
// src/coordinator/plan-change.ts
function planChange(change, context) {
	const plan = planShards(change, context);
	if (plan.kind === "refused") return plan;
	const { descriptor } = context;
	if (sameShards(plan.shards, descriptor.shards)) return {
		kind: "unchanged",
		cause: plan.cause
	};
	if (!plan.shards.some(({ state }) => state === "active")) return refuse$2("lastShard", "the last active shard cannot leave: nobody would own its clients");
	if (plan.shards.length > descriptor.shards.length && plan.shards.length > context.shardsMax) return refuse$2("tooManyShards", `that would make ${plan.shards.length} shards, and shards.max is ${context.shardsMax}`);
	const next = {
		...descriptor,
		epoch: descriptor.epoch + 1,
		shards: plan.shards
	};
	const check = checkShards(next);
	if (!check.ok) return refuse$2("badShards", describe$1(check.reason));
	return {
		kind: "changed",
		descriptor: next,
		cause: plan.cause
	};
}
function planShards(change, context) {
	const { shards } = context.descriptor;
	switch (change.kind) {
		case "add": return planAdd(change, context);
		case "drain":
			if (find(shards, change.id) === void 0) return unknown(change.id);
			return planned(updated(shards, change.id, { state: "draining" }), `drain ${change.id}`);
		case "remove":
			if (find(shards, change.id) === void 0 && !context.used.has(change.id)) return unknown(change.id);
			return planned(shards.filter(({ id }) => id !== change.id), `remove ${change.id}`);
		case "weight":
			if (find(shards, change.id) === void 0) return unknown(change.id);
			return planned(updated(shards, change.id, { weight: change.weight }), `weight ${change.id} ${change.weight}`);
		case "rollback":
			if (context.earlier === void 0) return refuse$2("notFound", `there is no epoch ${change.ringEpoch}`);
			return planned(context.earlier.shards, `rollback to epoch ${change.ringEpoch}`);
	}
}
function planAdd(change, context) {
	const { descriptor } = context;
	const region = change.region ?? descriptor.defaultRegion;
	const ids = change.ids ?? newIds(region, change.count ?? 1, context.used);
	let { shards } = descriptor;
	for (const id of ids) {
		const present = find(shards, id);
		if (present === void 0) {
			shards = [...shards, {
				id,
				region,
				weight: change.weight ?? context.weight,
				state: "active"
			}];
			continue;
		}
		if (change.region !== void 0 && present.region !== region) return refuse$2("conflict", `shard ${id} is there already, in region ${present.region}`);
		if (change.weight !== void 0 && present.weight !== change.weight) return refuse$2("conflict", `shard ${id} is there already, with weight ${present.weight}`);
		shards = updated(shards, id, { state: "active" });
	}
	return planned(shards, `add ${ids.join(", ")}`);
}
function newIds(region, count, used) {
	const prefix = `${region}-`;
	let last = 0;
	for (const id of used) {
		const number = id.startsWith(prefix) ? id.slice(prefix.length) : "";
		if (/^\d{1,15}$/.test(number)) last = Math.max(last, Number(number));
	}
	return Array.from({ length: count }, (_, n) => `${prefix}${last + 1 + n}`);
}
var find = (shards, id) => shards.find((shard) => shard.id === id);
var updated = (shards, id, fields) => shards.map((shard) => shard.id === id ? {
	...shard,
	...fields
} : shard);
var planned = (shards, cause) => ({
	kind: "planned",
	shards,
	cause
});
var refuse$2 = (code, message) => ({
	kind: "refused",
	code,
	message
});
var unknown = (id) => refuse$2("notFound", `there is no shard ${id}`);
function sameShards(some, others) {
	if (some.length !== others.length) return false;
	const byId = new Map(others.map((shard) => [shard.id, shard]));
	return some.every((shard) => {
		const other = byId.get(shard.id);
		return other?.region === shard.region && other.weight === shard.weight && other.state === shard.state;
	});
}
function describe$1(reason) {
	switch (reason.kind) {
		case "tooManyShards": return `a ring has at most ${reason.most} shards`;
		case "badWeight": return `the weight of shard ${reason.id} must be a whole number from 1 to 64, not ${reason.weight}`;
		case "duplicateId": return `shard ${reason.id} is named twice`;
		case "hashCollision": return `the ids ${reason.id} and ${reason.other} have the same hash; choose another id`;
	}
}
// src/coordinator/store.ts
var Store = class {
	#storage;
	#descriptor;
	constructor(storage, first, now) {
		this.#storage = storage;
		for (const table of SCHEMA) storage.sql.exec(table);
		const newest = this.epochs(1)[0];
		this.#descriptor = newest === void 0 ? first : this.#read(newest.ringEpoch);
		if (newest !== void 0) return;
		this.commit({
			descriptor: {
				...first,
				epoch: 1
			},
			at: now,
			cause: "the configured shards",
			by: "configuration",
			predicted: null,
			tell: []
		});
	}
	get descriptor() {
		return this.#descriptor;
	}
	commit(epoch) {
		const { descriptor } = epoch;
		const before = this.#descriptor;
		this.#storage.transactionSync(() => {
			this.#exec("INSERT INTO epochs (epoch, descriptor, at, cause, made_by, predicted) VALUES (?, ?, ?, ?, ?, ?)", descriptor.epoch, JSON.stringify(descriptor), epoch.at, epoch.cause, epoch.by, epoch.predicted === null ? null : JSON.stringify(epoch.predicted));
			for (const { id } of descriptor.shards) this.#exec("INSERT OR IGNORE INTO used_ids VALUES (?)", id);
			for (const { name, region } of epoch.tell) this.#exec("INSERT OR IGNORE INTO untold VALUES (?, ?)", name, region);
			const stay = new Set(descriptor.shards.map((shard) => shardRef(shard).name));
			for (const shard of before.shards) {
				const { name, region } = shardRef(shard);
				if (!stay.has(name)) this.#exec("INSERT OR IGNORE INTO leaving VALUES (?, ?)", name, region);
			}
			for (const name of stay) this.#exec("DELETE FROM leaving WHERE name = ?", name);
		});
		this.#descriptor = descriptor;
	}
	at(ringEpoch) {
		const row = this.#storage.sql.exec("SELECT descriptor FROM epochs WHERE epoch = ?", ringEpoch).toArray()[0];
		return row === void 0 ? void 0 : JSON.parse(row.descriptor);
	}
	usedIds() {
		return new Set(this.#storage.sql.exec("SELECT id FROM used_ids").toArray().map(({ id }) => id));
	}
	epochs(limit) {
		return this.#storage.sql.exec("SELECT * FROM epochs ORDER BY epoch DESC LIMIT ?", limit).toArray().map((row) => {
			const moves = this.#storage.sql.exec("SELECT shard, moved FROM moves WHERE epoch = ?", row.epoch).toArray();
			return {
				ringEpoch: row.epoch,
				at: row.at,
				cause: row.cause,
				by: row.made_by,
				shards: JSON.parse(row.descriptor).shards,
				predicted: row.predicted === null ? null : JSON.parse(row.predicted),
				moved: moves.reduce((sum, { moved }) => sum + moved, 0),
				movedFrom: Object.fromEntries(moves.map(({ shard, moved }) => [shard, moved]))
			};
		});
	}
	untold() {
		return this.#storage.sql.exec("SELECT name, region FROM untold ORDER BY name").toArray();
	}
	told(name, ringEpoch) {
		if (ringEpoch === this.#descriptor.epoch) this.#exec("DELETE FROM untold WHERE name = ?", name);
	}
	leaving() {
		return this.#storage.sql.exec("SELECT name, region FROM leaving ORDER BY name").toArray();
	}
	keepReport(name, report) {
		this.#storage.transactionSync(() => {
			this.#exec("INSERT OR REPLACE INTO reports (name, at, status) VALUES (?, ?, ?)", name, report.at, JSON.stringify(report.status));
			for (const { ringEpoch, shard, moved } of report.moves) this.#exec("INSERT INTO moves VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET moved = MAX(moved, excluded.moved)", ringEpoch, shard, moved);
			if (report.status.sessions === 0 && report.status.ringEpoch === this.#descriptor.epoch) this.#exec("DELETE FROM leaving WHERE name = ?", name);
		});
	}
	lastReport(name) {
		const row = this.#storage.sql.exec("SELECT at, status FROM reports WHERE name = ?", name).toArray()[0];
		return row === void 0 ? void 0 : {
			at: row.at,
			status: JSON.parse(row.status)
		};
	}
	#read(ringEpoch) {
		const descriptor = this.at(ringEpoch);
		if (descriptor === void 0) throw new Error(`epoch ${ringEpoch} is not stored`);
		return descriptor;
	}
	#exec(query, ...values) {
		this.#storage.sql.exec(query, ...values);
	}
};
var SCHEMA = [
	"CREATE TABLE IF NOT EXISTS epochs (epoch INTEGER PRIMARY KEY, descriptor TEXT NOT NULL, at INTEGER NOT NULL, cause TEXT NOT NULL, made_by TEXT NOT NULL, predicted TEXT)",
	"CREATE TABLE IF NOT EXISTS used_ids (id TEXT PRIMARY KEY)",
	"CREATE TABLE IF NOT EXISTS untold (name TEXT PRIMARY KEY, region TEXT NOT NULL)",
	"CREATE TABLE IF NOT EXISTS leaving (name TEXT PRIMARY KEY, region TEXT NOT NULL)",
	"CREATE TABLE IF NOT EXISTS reports (name TEXT PRIMARY KEY, at INTEGER NOT NULL, status TEXT NOT NULL)",
	"CREATE TABLE IF NOT EXISTS moves (epoch INTEGER, shard TEXT, moved INTEGER NOT NULL, PRIMARY KEY (epoch, shard))"
];
// src/coordinator/coordinator.ts
var ASK_MS = 3e3;
var TELL_MS = 5e3;
var BROADCAST_WAIT_MS = 5e3;
var RETRY_FIRST_MS$1 = 1e3;
var RETRY_LAST_MS$1 = 6e4;
var Coordinator = class extends DurableObject {
	static hooks = {};
	#config;
	#store;
	#live;
	#timetable;
	#events;
	#feed;
	#broadcasts = new Broadcasts();
	#awake = false;
	#retryMs = RETRY_FIRST_MS$1;
	#changes = Promise.resolve();
	constructor(ctx, env) {
		super(ctx, env);
		this.#config = configOf(env);
		this.#store = new Store(ctx.storage, configuredDescriptor(this.#config), Date.now());
		this.#timetable = new Timetable(ctx.storage);
		this.#live = new Live$1({
			ctx,
			env,
			shards: () => this.#holders()
		});
		const { hooks } = new.target;
		const timetable = this.#timetable;
		this.#events = new Events({
			ctx,
			env,
			config: this.#config,
			hooks,
			timetable,
			ordered: true
		});
		this.#feed = new Feed({
			ctx,
			env,
			config: this.#config,
			name: this.#config.cluster.broadcast.channel,
			namespace: this.#config.broadcast,
			timetable: this.#timetable,
			onPublished: (body, offset) => this.#events.published(this.#config.cluster.broadcast.channel, body, offset),
			onHeard: (shard, offset, sessions) => this.#broadcasts.heard(shard, offset, sessions)
		});
	}
	descriptor() {
		return this.#store.descriptor;
	}
	change(order) {
		const answer = this.#changes.then(() => this.#change(order));
		this.#changes = answer.catch(() => void 0);
		return answer;
	}
	report(report) {
		const { shard, status, moves } = report;
		this.#store.keepReport(shard.name, {
			status,
			moves,
			at: Date.now()
		});
		for (const done of moves) this.#live.say({
			kind: "moved",
			at: Date.now(),
			...done
		});
		this.#forgetWhoLeft();
		const { descriptor } = this.#store;
		return { descriptor: digest(descriptor) === status.digest ? null : descriptor };
	}
	async drained(id) {
		if (this.#store.descriptor.shards.find((one) => one.id === id)?.state !== "draining") return;
		await this.change({
			change: {
				kind: "remove",
				id
			},
			dryRun: false,
			by: "the shard, empty"
		});
	}
	async cluster() {
		const { descriptor } = this.#store;
		const ring = buildRing(descriptor);
		const share = ring.share();
		const now = Date.now();
		const { answers } = await askAll(this.env, this.#holders(), {
			waitMs: ASK_MS,
			ask: (stub) => stub.status()
		});
		const seen = ({ name }) => {
			const fresh = answers.get(name);
			if (fresh !== void 0) return {
				status: fresh,
				seenAgeMs: 0,
				reachable: true
			};
			const last = this.#store.lastReport(name);
			return {
				status: last?.status ?? null,
				seenAgeMs: last === void 0 ? null : now - last.at,
				reachable: false
			};
		};
		const members = ring.descriptor.shards.map((shard) => ({
			...shard,
			share: share.get(shard.id) ?? 0,
			...seen(shardRef(shard))
		}));
		const leaving = this.#store.leaving().map((shard) => ({
			id: idOf(shard.name),
			region: shard.region,
			weight: 0,
			state: "leaving",
			share: 0,
			...seen(shard)
		}));
		return {
			ringEpoch: descriptor.epoch,
			digest: ring.digest,
			seed: descriptor.seed,
			defaultRegion: descriptor.defaultRegion,
			shards: [...members, ...leaving],
			untold: this.#store.untold().map(({ name }) => idOf(name))
		};
	}
	epochs(limit) {
		return this.#store.epochs(limit);
	}
	watch(until) {
		return this.#live.watch(until);
	}
	explain(key, clientRegion) {
		const { descriptor } = this.#store;
		const before = this.#store.at(descriptor.epoch - 1);
		const previous = before === void 0 ? void 0 : buildRing(before).owner(key, clientRegion);
		return {
			...buildRing(descriptor).explain(key, clientRegion),
			previousOwner: previous?.id ?? null
		};
	}
	async sessionsOf(user) {
		const { answers, silent } = await askAll(this.env, this.#holders(), {
			waitMs: ASK_MS,
			ask: (stub) => stub.sessionsOf(user)
		});
		return {
			sessions: [...answers.values()].flat(),
			unreachable: silent.map(idOf)
		};
	}
	async act(action) {
		const targets = this.#holders();
		return fanOut(this.env, {
			kind: "act",
			action
		}, {
			targets,
			waitMs: ASK_MS,
			repeat: action.kind !== "send"
		});
	}
	async channels(pattern) {
		const limit = this.#config.cluster.limits.channelNames;
		const { answers, silent } = await askAll(this.env, this.#holders(), {
			waitMs: ASK_MS,
			ask: (stub) => stub.channelsHere(pattern, limit)
		});
		const channels = new Map();
		let truncated = false;
		for (const part of answers.values()) {
			const names = Object.entries(part);
			truncated ||= names.length >= limit;
			for (const [name, clients] of names) if (channels.size < limit || channels.has(name)) channels.set(name, (channels.get(name) ?? 0) + clients);
			else truncated = true;
		}
		return {
			channels: Object.fromEntries(channels),
			truncated,
			unreachable: silent.map(idOf)
		};
	}
	register(shard, listening) {
		this.#wake();
		return this.#feed.register(shard, listening);
	}
	view(after) {
		this.#wake();
		return this.#feed.view(after);
	}
	history(query) {
		this.#wake();
		return this.#feed.history(query);
	}
	removeHistory() {
		this.#wake();
		this.#feed.removeHistory();
	}
	async broadcast(order, report) {
		this.#wake();
		const startedAt = Date.now();
		const shards = this.#holders();
		for (const shard of shards) this.#feed.enlist(shard);
		const before = this.#feed.top;
		const result = this.#feed.publish(order);
		const isNew = result.refused === null && this.#feed.top > before;
		const outcomes = report && isNew ? await this.#broadcasts.watch({
			offset: result.offset,
			shards,
			waitMs: BROADCAST_WAIT_MS
		}, () => this.#holderNames()) : null;
		return {
			...result,
			outcomes,
			ms: Date.now() - startedAt
		};
	}
	crash() {
		this.ctx.abort("crashed by the operator");
	}
	async alarm() {
		this.#wake();
		await this.#timetable.run(Date.now(), async (duty) => {
			if (duty === "events") return this.#events.run(Date.now());
			if (duty !== "tell") return this.#feed.run(duty);
			const { pending } = await this.#tell();
			this.#retryMs = pending.length === 0 ? RETRY_FIRST_MS$1 : Math.min(this.#retryMs * 2, RETRY_LAST_MS$1);
			return pending.length === 0 ? void 0 : Date.now() + this.#retryMs;
		});
	}
	async #change({ change, dryRun, by }) {
		const before = this.#store.descriptor;
		const plan = planChange(change, {
			descriptor: before,
			used: this.#store.usedIds(),
			earlier: change.kind === "rollback" ? this.#store.at(change.ringEpoch) : void 0,
			shardsMax: this.#config.cluster.shards.max,
			weight: this.#config.cluster.shards.initialWeight
		});
		if (plan.kind === "refused") return {
			result: null,
			refused: {
				code: plan.code,
				message: plan.message
			}
		};
		if (plan.kind === "unchanged") return {
			result: {
				changed: false,
				dryRun,
				ringEpoch: before.epoch,
				cause: plan.cause,
				shards: before.shards,
				diff: null,
				predicted: NOTHING_MOVES,
				told: {
					shards: 0,
					pending: []
				}
			},
			refused: null
		};
		const { descriptor, cause } = plan;
		const predicted = await this.#predict(descriptor);
		const told = dryRun ? {
			shards: 0,
			pending: []
		} : await this.#adopt({
			descriptor,
			cause,
			by,
			predicted
		});
		return {
			result: {
				changed: true,
				dryRun,
				ringEpoch: descriptor.epoch,
				cause,
				shards: descriptor.shards,
				diff: diff(buildRing(before), buildRing(descriptor)),
				predicted,
				told
			},
			refused: null
		};
	}
	async #adopt(epoch) {
		const listeners = [
			...epoch.descriptor.shards,
			...this.#store.descriptor.shards,
			...configuredDescriptor(this.#config).shards
		].map(shardRef);
		const armed = this.#timetable.arm("tell", Date.now() + RETRY_FIRST_MS$1 + TELL_MS);
		this.#store.commit({
			...epoch,
			at: Date.now(),
			tell: listeners
		});
		const { epoch: ringEpoch, shards } = epoch.descriptor;
		this.#events.record({
			type: "shards",
			ringEpoch,
			cause: epoch.cause,
			by: epoch.by,
			shards
		});
		await armed;
		this.#retryMs = RETRY_FIRST_MS$1;
		this.#live.say({
			kind: "epoch",
			at: Date.now(),
			...epoch
		});
		const told = await this.#tell();
		this.ctx.waitUntil(this.#live.pass());
		if (told.pending.length === 0) return told;
		await this.#timetable.arm("tell", Date.now() + RETRY_FIRST_MS$1);
		this.#live.say({
			kind: "untold",
			at: Date.now(),
			ringEpoch,
			shards: told.pending
		});
		return told;
	}
	async #tell() {
		const { descriptor } = this.#store;
		const holders = this.#holderNames();
		const { answers } = await askAll(this.env, this.#store.untold(), {
			waitMs: TELL_MS,
			ask: async (stub, shard) => {
				const mayHold = holders.has(shard.name);
				await stub.adopt(descriptor, mayHold ? this.#feed.enlist(shard) : void 0);
				this.#store.told(shard.name, descriptor.epoch);
			}
		});
		return {
			shards: answers.size,
			pending: this.#store.untold().map(({ name }) => idOf(name))
		};
	}
	async #predict(descriptor) {
		const { answers, silent } = await askAll(this.env, this.#holders(), {
			waitMs: ASK_MS,
			ask: (stub) => stub.predict(descriptor)
		});
		const from = {};
		const to = {};
		for (const [name, prediction] of answers) {
			if (prediction.sessions > 0) from[idOf(name)] = prediction.sessions;
			for (const [id, count] of Object.entries(prediction.to)) to[id] = (to[id] ?? 0) + count;
		}
		return {
			moving: Object.values(from).reduce((sum, count) => sum + count, 0),
			from,
			to,
			unknown: silent.map(idOf)
		};
	}
	#wake() {
		if (this.#awake) return;
		this.#awake = true;
		this.#feed.wake();
	}
	#forgetWhoLeft() {
		const holders = this.#holderNames();
		for (const { name } of this.#feed.shards()) {
			if (holders.has(name)) continue;
			this.#feed.forget(name);
			this.#broadcasts.left(name);
		}
	}
	#holderNames() {
		return new Set(this.#holders().map(({ name }) => name));
	}
	#holders() {
		return [...this.#store.descriptor.shards.map(shardRef), ...this.#store.leaving()];
	}
};
var NOTHING_MOVES = {
	moving: 0,
	from: {},
	to: {},
	unknown: []
};
// src/protocol/codes.ts
var ERRORS = {
	internal: {
		code: 100,
		message: "internal server error",
		temporary: true
	},
	unauthorized: {
		code: 101,
		message: "unauthorized"
	},
	unknownChannel: {
		code: 102,
		message: "unknown channel"
	},
	permissionDenied: {
		code: 103,
		message: "permission denied"
	},
	methodNotFound: {
		code: 104,
		message: "method not found"
	},
	alreadySubscribed: {
		code: 105,
		message: "already subscribed"
	},
	limitExceeded: {
		code: 106,
		message: "limit exceeded"
	},
	badRequest: {
		code: 107,
		message: "bad request"
	},
	notAvailable: {
		code: 108,
		message: "not available"
	},
	tokenExpired: {
		code: 109,
		message: "token expired"
	},
	expired: {
		code: 110,
		message: "expired"
	},
	tooManyRequests: {
		code: 111,
		message: "too many requests",
		temporary: true
	},
	unrecoverablePosition: {
		code: 112,
		message: "unrecoverable position"
	}
};
var DISCONNECTS = {
	serverError: {
		code: 3004,
		reason: "internal server error"
	},
	expired: {
		code: 3005,
		reason: "connection expired"
	},
	subscriptionExpired: {
		code: 3006,
		reason: "subscription expired"
	},
	slow: {
		code: 3008,
		reason: "slow"
	},
	insufficientState: {
		code: 3010,
		reason: "insufficient state"
	},
	noPong: {
		code: 3012,
		reason: "no pong"
	},
	tooManyRequests: {
		code: 3013,
		reason: "too many requests"
	},
	invalidToken: {
		code: 3500,
		reason: "invalid token"
	},
	badRequest: {
		code: 3501,
		reason: "bad request"
	},
	stale: {
		code: 3502,
		reason: "stale"
	},
	forced: {
		code: 3503,
		reason: "force disconnect"
	},
	channelLimit: {
		code: 3505,
		reason: "channel limit"
	},
	permissionDenied: {
		code: 3507,
		reason: "permission denied"
	},
	notAvailable: {
		code: 3508,
		reason: "not available"
	},
	messageTooBig: {
		code: 1009,
		reason: "message too big"
	},
	moved: {
		code: 4001,
		reason: "moved"
	}
};
var UNSUBSCRIBES = {
	server: {
		code: 2e3,
		reason: "server unsubscribe"
	},
	insufficientState: {
		code: 2500,
		reason: "insufficient state"
	},
	expired: {
		code: 2501,
		reason: "subscription expired"
	}
};
// src/protocol/push.ts
function encodePublication(publication) {
	return JSON.stringify(publication);
}
function encodePresenceEvent(info) {
	return JSON.stringify({ info });
}
function encodeEntry(entry, durable) {
	return entry.kind === "pub" && durable ? `${entry.body.slice(0, -1)},"offset":${entry.offset}}` : entry.body;
}
function encodePush(channelJson, entry, durable) {
	return `{"push":{"channel":${channelJson},"${entry.kind === "passing" ? "pub" : entry.kind}":${encodeEntry(entry, durable)}}}`;
}
var encodePublicationPush = (channel, publication) => `{"push":{"channel":${JSON.stringify(channel)},"pub":${publication}}}`;
var encodeSubscribePush = (channel, result) => `{"push":{"channel":${JSON.stringify(channel)},"subscribe":${result}}}`;
function encodeUnsubscribe(channel, why) {
	return JSON.stringify({ push: {
		channel,
		unsubscribe: UNSUBSCRIBES[why]
	} });
}
// src/router/api/answer.ts
var STATUS = {
	internal: 500,
	unknownChannel: 404,
	methodNotFound: 404,
	badRequest: 400,
	notAvailable: 400,
	unrecoverablePosition: 416,
	conflict: 409
};
var CODES = {
	...ERRORS,
	conflict: {
		code: 113,
		message: "conflict"
	}
};
var ok = (result) => ({ result });
function fail(name, detail) {
	const { code, message } = CODES[name];
	return { error: {
		code,
		message: detail === void 0 ? message : `${message}: ${detail}`
	} };
}
new Map(Object.keys(STATUS).map((name) => [CODES[name].code, STATUS[name]]));
new Map([...new Set(Object.values(STATUS))].map((status) => [status, Object.keys(STATUS).filter((name) => STATUS[name] === status).map((name) => `${CODES[name].code} ${CODES[name].message}`).join(", ")]));
// src/router/api/outcomes.ts
function describeOutcome({ name, pending, ...outcome }) {
	const region = name.slice(0, name.indexOf("/"));
	return {
		shard: idOf(name),
		region,
		...outcome,
		...pending === true ? { pending } : {}
	};
}
// src/router/api/payload.ts
function readPayload(params) {
	if (params.b64data === void 0 || params.b64data === "") return params.data === void 0 ? {
		ok: false,
		reason: "data is required"
	} : {
		ok: true,
		data: params.data
	};
	try {
		const bytes = Uint8Array.from(atob(params.b64data), (char) => char.charCodeAt(0));
		return {
			ok: true,
			data: JSON.parse(new TextDecoder("utf-8", {
				fatal: true,
				ignoreBOM: true
			}).decode(bytes))
		};
	} catch {
		return {
			ok: false,
			reason: "b64data is not JSON in Base64"
		};
	}
}
// src/router/api/publish.ts
async function publish$1(call, params) {
	const { env, config } = call;
	const parsed = parseChannel(params.channel, config.cluster.limits.channelBytes);
	if (!parsed.ok) return fail("badRequest", "this is no name of a channel");
	const namespace = namespaceOf(config, parsed.channel);
	if (namespace === void 0) return fail("unknownChannel");
	const payload = readPayload(params);
	if (!payload.ok) return fail("badRequest", payload.reason);
	const { idempotency_key: key = "", tags = {}, version = 0 } = params;
	const order = {
		id: key === "" ? crypto.randomUUID() : `key:${key}`,
		body: encodePublication({
			data: payload.data,
			...Object.keys(tags).length === 0 ? {} : { tags }
		}),
		...params.skip_history === true ? { passing: true } : {},
		...version === 0 ? {} : { version: {
			number: version,
			epoch: params.version_epoch ?? ""
		} }
	};
	const everybody = isBroadcast(config, params.channel);
	const wantsReport = everybody && params.report === true;
	try {
		const { refused, offset, logEpoch, report } = await callAgain(async () => {
			if (!everybody) return {
				...await channelStub(env, params.channel).publish(order),
				report: null
			};
			const { outcomes, ms, ...result } = await coordinatorStub(env).broadcast(order, wantsReport);
			return {
				...result,
				report: outcomes === null ? null : {
					outcomes,
					ms
				}
			};
		});
		if (refused !== null) return fail("badRequest", "a publication has at most 2,000,000 bytes");
		if (!keepsHistory(namespace) || params.skip_history === true) return ok({});
		if (report === null) return ok({
			offset,
			epoch: logEpoch
		});
		return ok({
			offset,
			epoch: logEpoch,
			delivered: report.outcomes.reduce((sum, one) => sum + one.delivered, 0),
			shards: report.outcomes.map(describeOutcome),
			ms: report.ms
		});
	} catch (error) {
		console.error("a publication failed", error);
		return fail("internal", `${everybody ? "the coordinator" : "the channel"} does not answer`);
	}
}
// src/protocol/route.ts
var ROUTE_HEADER = "x-ringcast-route";
var encodeRoute = (route) => encodeURIComponent(JSON.stringify(route));
var decodeRoute = (text) => JSON.parse(decodeURIComponent(text));
var REFUSAL_STATUS = {
	misdirected: 421,
	behind: 409,
	full: 503,
	busy: 503
};
// src/router/forward.ts
var MAX_STEPS = 8;
var MAX_FAILURES = 2;
var MAX_REFUSALS = 3;
var COORDINATOR_WAIT_MS$2 = 2e3;
async function forward(upgrade) {
	const { env, cache, key, clientRegion } = upgrade;
	const refused = [];
	let misdirected = 0;
	let failures = 0;
	const failed = (owner, error) => {
		console.error(`shard ${owner.id} failed`, error);
		failures += 1;
		return failures >= MAX_FAILURES;
	};
	for (let step = 0; step < MAX_STEPS; step++) {
		const owner = cache.ring.owners(key, clientRegion, MAX_REFUSALS).find(({ id }) => !refused.includes(id));
		if (owner === void 0) return unavailable(5, "every shard that may take this connection is full");
		let response;
		try {
			response = await ask$1(upgrade, owner, refused);
		} catch (error) {
			if (failed(owner, error)) return unavailable(2, "the shard does not answer");
			continue;
		}
		if (response.status === 101) return {
			kind: "connected",
			response
		};
		const refusal = await readRefusal(response);
		switch (refusal?.kind) {
			case "misdirected":
				cache.adopt(refusal.descriptor);
				misdirected += 1;
				if (misdirected >= 2) await askCoordinator(env, cache);
				break;
			case "behind":
				if (cache.ring.descriptor.epoch === 0) return unavailable(2, "the cluster is starting");
				try {
					await shardStub(env, shardRef(owner)).adopt(cache.ring.descriptor);
				} catch (error) {
					if (failed(owner, error)) return unavailable(2, "the shard does not answer");
				}
				break;
			case "full":
				refused.push(owner.id);
				break;
			case "busy": return unavailable(refusal.retryAfterSeconds, "too many connections at once");
			case void 0: return unavailable(5, `shard ${owner.id} answered ${response.status}`);
		}
	}
	return unavailable(5, "no shard took the connection");
}
function ask$1(upgrade, owner, refused) {
	const { ring } = upgrade.cache;
	const forwarded = new Request(upgrade.request);
	forwarded.headers.set(ROUTE_HEADER, encodeRoute({
		key: upgrade.key,
		clientRegion: upgrade.clientRegion,
		ringEpoch: ring.descriptor.epoch,
		digest: ring.digest,
		refused,
		...upgrade.token === void 0 ? {} : { token: upgrade.token },
		...upgrade.identity === void 0 ? {} : { identity: upgrade.identity }
	}));
	return shardStub(upgrade.env, shardRef(owner)).fetch(forwarded);
}
async function readRefusal(response) {
	if (!Object.values(REFUSAL_STATUS).includes(response.status)) return void 0;
	try {
		return await response.json();
	} catch {
		return;
	}
}
async function askCoordinator(env, cache) {
	try {
		cache.correct(await within(COORDINATOR_WAIT_MS$2, coordinatorStub(env).descriptor()));
	} catch (error) {
		console.error("the coordinator could not be asked for the descriptor", error);
	}
}
var unavailable = (retryAfterSeconds, message) => ({
	kind: "unavailable",
	retryAfterSeconds,
	message
});
// src/router/ring-cache.ts
var RingCache = class {
	#ring;
	constructor(configured) {
		this.#ring = buildRing(configured);
	}
	get ring() {
		return this.#ring;
	}
	adopt(descriptor) {
		if (descriptor.epoch > this.#ring.descriptor.epoch) this.#ring = buildRing(descriptor);
	}
	correct(descriptor) {
		if (descriptor.epoch >= this.#ring.descriptor.epoch) this.#ring = buildRing(descriptor);
	}
};
// src/platform/token-bucket.ts
var TokenBucket = class {
	#burst;
	#perSecond;
	#left;
	#at;
	constructor(limits, now) {
		this.#burst = limits.burst;
		this.#perSecond = limits.perSecond;
		this.#left = limits.burst;
		this.#at = now;
	}
	take(now) {
		this.#left = Math.min(this.#burst, this.#left + Math.max(0, now - this.#at) / 1e3 * this.#perSecond);
		this.#at = now;
		if (this.#left < 1) return false;
		this.#left -= 1;
		return true;
	}
};
// src/protocol/reply.ts
var PONG_ABSORBER = "{\"push\":{\"channel\":\"\"}}";
function encodeSubscribed(result, missed) {
	const fields = JSON.stringify(result);
	if (missed.length === 0) return fields;
	const publications = `"publications":[${missed.join(",")}]`;
	return fields === "{}" ? `{${publications}}` : `${fields.slice(0, -1)},${publications}}`;
}
function encodeConnected(id, result, subs) {
	const fields = JSON.stringify(result);
	const entries = [...subs].map(([channel, text]) => `${JSON.stringify(channel)}:${text}`);
	return `{"id":${id},"connect":${entries.length === 0 ? fields : `${fields.slice(0, -1)},"subs":{${entries.join(",")}}}`}}`;
}
var encodeSubscribeReply = (id, text) => `{"id":${id},"subscribe":${text}}`;
function encodeHistory(id, history) {
	return `{"id":${id},"history":{"publications":[${history.publications.map((entry) => encodeEntry(entry, true)).join(",")}],"epoch":${JSON.stringify(history.logEpoch)},"offset":${history.top}}}`;
}
function encodeReply(id, kind, result) {
	return `{"id":${id},"${kind}":${JSON.stringify(result)}}`;
}
function encodePresence(id, present) {
	return `{"id":${id},"presence":{"presence":{${[...present].map(({ client, info }) => `${JSON.stringify(client)}:${info}`).join(",")}}}}`;
}
function encodeError(id, error) {
	return `{"id":${id},"error":${JSON.stringify(typeof error === "string" ? ERRORS[error] : error)}}`;
}
// src/protocol/glob.ts
function fits(pattern, name) {
	let at = 0;
	let star = -1;
	let resumeAt = 0;
	for (let n = 0; n < name.length;) if (pattern[at] === "*") {
		star = at++;
		resumeAt = n;
	} else if (pattern[at] === "?" || pattern[at] === name[n]) {
		at += 1;
		n += 1;
	} else if (star >= 0) {
		at = star + 1;
		n = ++resumeAt;
	} else return false;
	while (pattern[at] === "*") at += 1;
	return at === pattern.length;
}
// src/tokens/claims.ts
var seconds = z.number().min(0).max(Number.MAX_SAFE_INTEGER / 1e3);
var user = z.string().max(255).optional();
var connectionSchema = z.object({
	exp: seconds.optional(),
	expire_at: seconds.optional(),
	info: z.unknown().optional(),
	b64info: z.string().optional(),
	channels: z.array(z.string()).optional(),
	subs: z.record(z.string(), z.object({
		info: z.unknown().optional(),
		b64info: z.string().optional(),
		data: z.unknown().optional(),
		b64data: z.string().optional()
	})).optional(),
	channel: z.never("a connection token has no channel").optional()
});
var subscriptionSchema = z.object({
	exp: seconds.optional(),
	expire_at: seconds.optional(),
	info: z.unknown().optional(),
	b64info: z.string().optional(),
	channel: z.string().min(1),
	client: z.string().optional()
});
function parseConnectionClaims(payload, userIdClaim) {
	return parseWith(connectionSchema, payload, userIdClaim, (claims, name) => ({
		user: name,
		...expiry(claims),
		...optional("info", jsonOr64(claims.info, claims.b64info)),
		channels: claims.channels ?? [],
		subs: Object.fromEntries(Object.entries(claims.subs ?? {}).map(([channel, sub]) => [channel, {
			...optional("info", jsonOr64(sub.info, sub.b64info)),
			...optional("data", jsonOr64(sub.data, sub.b64data))
		}]))
	}));
}
function parseSubscriptionClaims(payload, userIdClaim) {
	return parseWith(subscriptionSchema, payload, userIdClaim, (claims, name) => ({
		user: name,
		channel: claims.channel,
		...optional("client", claims.client),
		...optional("info", jsonOr64(claims.info, claims.b64info)),
		...expiry(claims)
	}));
}
function parseWith(schema, payload, userIdClaim, build) {
	const claims = schema.safeParse(payload);
	if (!claims.success) return unreadable(claims.error.issues[0]);
	const name = user.safeParse(payload[userIdClaim]);
	if (!name.success) return unreadable({
		path: [userIdClaim],
		message: name.error.issues[0]?.message ?? ""
	});
	try {
		return {
			ok: true,
			claims: build(claims.data, name.data ?? "")
		};
	} catch {
		return {
			ok: false,
			detail: "a b64 claim is not base64 of JSON"
		};
	}
}
var unreadable = (issue) => ({
	ok: false,
	detail: `${issue?.path.join(".") ?? "claims"}: ${issue?.message ?? "unreadable"}`
});
function expiry(claims) {
	const at = claims.expire_at ?? claims.exp;
	return at === void 0 || at === 0 ? {} : { expiresAt: at };
}
function jsonOr64(plain, base64) {
	if (base64 === void 0 || base64 === "") return plain;
	const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
	return JSON.parse(new TextDecoder("utf-8", {
		fatal: true,
		ignoreBOM: false
	}).decode(bytes));
}
function optional(name, value) {
	return value === void 0 ? {} : { [name]: value };
}
// src/tokens/operator.ts
var KEY_ID = "ringcast-operator";
var HEADER = {
	alg: "HS256",
	kid: KEY_ID
};
var BEGINNING = `${base64url.encode(JSON.stringify(HEADER))}.`;
function acceptOperator(verifier, apiKey) {
	if (apiKey === void 0 || apiKey === "") return verifier;
	let key;
	const read = async (token, parse) => {
		try {
			key ??= derive(apiKey);
			const parsed = parse((await jwtVerify(token, await key, { algorithms: ["HS256"] })).payload);
			return parsed.ok ? parsed : {
				ok: false,
				reason: "invalid",
				detail: parsed.detail
			};
		} catch (error) {
			return {
				ok: false,
				reason: error instanceof Error && "code" in error && error.code === "ERR_JWT_EXPIRED" ? "expired" : "invalid",
				detail: String(error)
			};
		}
	};
	return {
		connection: (token) => isOurs(token) ? read(token, (payload) => markOperator(parseConnectionClaims(payload, "sub"))) : verifier.connection(token),
		subscription: (token) => isOurs(token) ? read(token, (payload) => markOperator(parseSubscriptionClaims(payload, "sub"))) : verifier.subscription(token)
	};
}
function markOperator(parsed) {
	return parsed.ok ? {
		ok: true,
		claims: {
			...parsed.claims,
			operator: true
		}
	} : parsed;
}
var isOurs = (token) => token.startsWith(BEGINNING);
async function derive(apiKey) {
	const text = new TextEncoder();
	const key = await crypto.subtle.importKey("raw", text.encode(apiKey), {
		name: "HMAC",
		hash: "SHA-256"
	}, false, ["sign"]);
	return new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(KEY_ID)));
}
// src/tokens/verifier.ts
var FAMILIES = {
	HS256: "hmac",
	HS384: "hmac",
	HS512: "hmac",
	RS256: "rsa",
	RS384: "rsa",
	RS512: "rsa",
	ES256: "ecdsa",
	ES384: "ecdsa",
	ES512: "ecdsa",
	EdDSA: "ed25519",
	Ed25519: "ed25519"
};
var isAlgorithm = (name) => typeof name === "string" && Object.hasOwn(FAMILIES, name);
var MAX_TOKEN_LENGTH = 16384;
function createVerifier(settings) {
	const { tokens, hmacSecret } = settings;
	const keys = createKeys(tokens, hmacSecret);
	const jwks = tokens.jwksUrl === void 0 ? void 0 : createRemoteJWKSet(new URL(tokens.jwksUrl));
	const options = {
		algorithms: Object.keys(FAMILIES),
		...tokens.audience === void 0 ? {} : { audience: tokens.audience },
		...tokens.issuer === void 0 ? {} : { issuer: tokens.issuer }
	};
	const keyOf = async (header, token) => {
		const { alg, kid } = header;
		if (!isAlgorithm(alg)) throw new errors.JOSEAlgNotAllowed(`algorithm ${String(alg)}`);
		const family = FAMILIES[alg];
		if (jwks !== void 0 && family !== "hmac" && (kid !== void 0 || keys[family] === void 0)) return jwks(header, token);
		const key = await keys[family]?.(alg);
		if (key === void 0) throw new errors.JOSEAlgNotAllowed(`no key for ${alg}`);
		return key;
	};
	const verify = async (token) => {
		if (token.length > MAX_TOKEN_LENGTH) throw new errors.JWTInvalid("too long");
		return (await jwtVerify(token, keyOf, options)).payload;
	};
	const read = async (token, parse) => {
		let verdict;
		try {
			const parsed = parse(await verify(token), tokens.userIdClaim);
			verdict = parsed.ok ? parsed : {
				ok: false,
				reason: "invalid",
				detail: parsed.detail
			};
		} catch (error) {
			verdict = {
				ok: false,
				reason: reasonOf(error),
				detail: String(error)
			};
		}
		if (!verdict.ok) console.warn(`a token is ${verdict.reason}: ${verdict.detail}`);
		return verdict;
	};
	return {
		connection: (token) => read(token, parseConnectionClaims),
		subscription: (token) => read(token, parseSubscriptionClaims)
	};
}
function createKeys(tokens, hmacSecret) {
	return {
		hmac: hmacSecret === void 0 || hmacSecret === "" ? void 0 : fromSecret(hmacSecret),
		rsa: fromPem(tokens.rsaPublicKey),
		ecdsa: fromPem(tokens.ecdsaPublicKey),
		ed25519: fromPem(tokens.ed25519PublicKey)
	};
}
function fromSecret(secret) {
	const bytes = new TextEncoder().encode(secret);
	return importedOnce((alg) => {
		const hash = `SHA-${alg.slice(2)}`;
		return crypto.subtle.importKey("raw", bytes, {
			name: "HMAC",
			hash
		}, false, ["verify"]);
	});
}
function fromPem(pem) {
	if (pem === void 0) return void 0;
	return importedOnce((alg) => importSPKI(pem, alg).catch((error) => {
		throw new errors.JOSEAlgNotAllowed(`the key does not serve ${alg}: ${String(error)}`);
	}));
}
function importedOnce(importFor) {
	const imported = new Map();
	return (alg) => {
		const key = imported.get(alg) ?? importFor(alg);
		imported.set(alg, key);
		return key;
	};
}
function reasonOf(error) {
	if (error instanceof errors.JWTExpired) return "expired";
	if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return "unavailable";
	return error instanceof errors.JOSEError && error.code !== "ERR_JOSE_GENERIC" ? "invalid" : "unavailable";
}
// src/protocol/tags-filter.ts
var MAX_DEPTH = 16;
var tagsFilterSchema = z.object({
	op: z.string().optional(),
	key: z.string().optional(),
	cmp: z.string().optional(),
	val: z.string().optional(),
	vals: z.array(z.string()).optional(),
	get nodes() {
		return z.array(tagsFilterSchema).optional();
	}
});
var ONE_VALUE = {
	eq: (tag, { val }) => tag === val,
	neq: (tag, { val }) => tag !== val,
	sw: (tag, { val = "" }) => tag?.startsWith(val) === true,
	ew: (tag, { val = "" }) => tag?.endsWith(val) === true,
	ct: (tag, { val = "" }) => tag?.includes(val) === true,
	lt: (tag, { val }) => compareNumbers(tag, val, (order) => order < 0),
	lte: (tag, { val }) => compareNumbers(tag, val, (order) => order <= 0),
	gt: (tag, { val }) => compareNumbers(tag, val, (order) => order > 0),
	gte: (tag, { val }) => compareNumbers(tag, val, (order) => order >= 0)
};
var MANY_VALUES = {
	in: (tag, { vals = [] }) => vals.includes(tag ?? ""),
	nin: (tag, { vals = [] }) => !vals.includes(tag ?? "")
};
var NO_VALUE = {
	ex: (tag) => tag !== void 0,
	nex: (tag) => tag === void 0
};
var COMPARISONS = new Map([
	ONE_VALUE,
	MANY_VALUES,
	NO_VALUE
].flatMap((table) => Object.entries(table)));
function isMeaningful(filter, depth = MAX_DEPTH) {
	if (depth === 0) return false;
	const { op = "", nodes = [] } = filter;
	switch (op) {
		case "": return isMeaningfulLeaf(filter);
		case "and":
		case "or": return nodes.length > 0 && nodes.every((node) => isMeaningful(node, depth - 1));
		case "not": return nodes.length === 1 && nodes.every((node) => isMeaningful(node, depth - 1));
		default: return false;
	}
}
function isMeaningfulLeaf({ key = "", cmp = "", val = "", vals = [] }) {
	if (Object.hasOwn(NO_VALUE, cmp)) return val === "" && vals.length === 0;
	if (key === "") return false;
	if (Object.hasOwn(ONE_VALUE, cmp)) return val !== "" && vals.length === 0;
	return Object.hasOwn(MANY_VALUES, cmp) && val === "" && vals.length > 0;
}
function matches(filter, tags) {
	const { op = "", key = "", cmp = "", nodes = [] } = filter;
	switch (op) {
		case "and": return nodes.every((node) => matches(node, tags));
		case "or": return nodes.some((node) => matches(node, tags));
		case "not": return !nodes.some((node) => matches(node, tags));
		default: return COMPARISONS.get(cmp)?.(Object.hasOwn(tags, key) ? tags[key] : void 0, filter) === true;
	}
}
function compareNumbers(tag, val, decide) {
	const [a, b] = [DECIMAL.exec(tag ?? ""), DECIMAL.exec(val ?? "")];
	if (a === null || b === null) return false;
	const places = Math.max(a[3]?.length ?? 0, b[3]?.length ?? 0);
	return decide(scaled(a, places) - scaled(b, places));
}
var DECIMAL = /^([+-]?)(\d{1,100})(?:\.(\d{1,100}))?$/;
function scaled([, sign, whole = "", fraction = ""], places) {
	const digits = BigInt(whole + fraction.padEnd(places, "0"));
	return sign === "-" ? -digits : digits;
}
// src/shard/delta.ts
var DeltaEncoder = class {
	#encoded = new Map();
	#parsed = new Map();
	constructor(entries, previous) {
		for (const entry of previous === void 0 ? entries : [previous, ...entries]) {
			const { data, ...rest } = JSON.parse(entry.body);
			this.#parsed.set(entry.offset, {
				offset: entry.offset,
				text: JSON.stringify(data),
				rest
			});
		}
	}
	encode(offset, base) {
		const parsed = this.#parsed.get(offset);
		if (parsed === void 0) throw new Error(`publication ${offset} is not among those to encode`);
		const before = base === offset - 1 ? this.#parsed.get(base) : void 0;
		const key = before === void 0 ? `${offset}` : `${offset} delta`;
		let text = this.#encoded.get(key);
		if (text === void 0) {
			const patch = before === void 0 ? void 0 : createPatch(before.text, parsed.text);
			const body = patch === void 0 ? { data: parsed.text } : {
				data: patch,
				delta: true
			};
			text = JSON.stringify({
				...parsed.rest,
				...body,
				offset
			});
			this.#encoded.set(key, text);
		}
		return text;
	}
};
function encodeWhole(body) {
	const { data, ...rest } = JSON.parse(body);
	return JSON.stringify({
		...rest,
		data: JSON.stringify(data)
	});
}
function createPatch(before, after) {
	const encoder = new TextEncoder();
	const target = encoder.encode(after);
	const patch = createDelta(encoder.encode(before), target);
	if (patch.byteLength >= target.byteLength) return void 0;
	try {
		return new TextDecoder("utf-8", {
			fatal: true,
			ignoreBOM: true
		}).decode(patch);
	} catch {
		return;
	}
}
// src/shard/emission.ts
var Emission = class {
	#channel;
	#channelJson;
	#entries;
	#durable;
	#before;
	#firstOffset;
	#tags = new Map();
	#lines;
	#everything;
	#publications;
	#deltas;
	constructor(channel, said) {
		this.#channel = channel;
		this.#channelJson = JSON.stringify(channel);
		this.#entries = said.entries;
		this.#durable = said.durable;
		this.#before = said.before;
		this.#firstOffset = said.entries.find((entry) => entry.kind === "pub")?.offset ?? Infinity;
	}
	frameFor(subscription, bases) {
		const { delta, filter, joinLeave, since } = subscription;
		const begins = this.#durable && since !== void 0 && since >= this.#firstOffset;
		if ((delta !== true || !this.#durable) && filter === void 0 && !begins) {
			if (joinLeave === true) return this.#everything ??= this.#join(() => true);
			return this.#publications ??= this.#join(({ kind }) => kind === "pub" || kind === "passing");
		}
		const wants = (entry) => {
			if (entry.kind === "join" || entry.kind === "leave") return joinLeave === true;
			if (entry.kind === "pub" && begins && entry.offset <= since) return false;
			return this.#passes(entry, filter);
		};
		if (delta !== true || !this.#durable) return this.#join(wants);
		return this.#entries.filter(wants).map((entry) => this.#lineWithDelta(entry, bases)).join("\n");
	}
	missedBy(subscription, bases) {
		const owed = this.#entries.filter((entry) => entry.kind === "pub" && this.#passes(entry, subscription.filter));
		if (subscription.delta !== true) return owed.map((entry) => encodeEntry(entry, true));
		bases.delete(this.#channel);
		return owed.map((entry) => this.#patch(entry, bases));
	}
	#join(wants) {
		this.#lines ??= this.#entries.map((entry) => encodePush(this.#channelJson, entry, this.#durable));
		return this.#lines.filter((_, n) => wants(this.#entries[n])).join("\n");
	}
	#passes(entry, filter) {
		if (filter === void 0) return true;
		let tags = this.#tags.get(entry);
		if (tags === void 0) {
			tags = JSON.parse(entry.body).tags ?? {};
			this.#tags.set(entry, tags);
		}
		return matches(filter, tags);
	}
	#lineWithDelta(entry, bases) {
		if (entry.kind === "join" || entry.kind === "leave") return encodePush(this.#channelJson, entry, true);
		let publication;
		if (entry.kind === "pub") publication = this.#patch(entry, bases);
		else {
			publication = encodeWhole(entry.body);
			bases.delete(this.#channel);
		}
		return `{"push":{"channel":${this.#channelJson},"pub":${publication}}}`;
	}
	#patch(entry, bases) {
		this.#deltas ??= new DeltaEncoder(this.#entries.filter((one) => one.kind === "pub"), this.#before);
		const text = this.#deltas.encode(entry.offset, bases.get(this.#channel));
		bases.set(this.#channel, entry.offset);
		return text;
	}
};
// src/shard/commands/join.ts
async function join(clients, session, to, answer, result) {
	const { channel, wishes, subscription } = to;
	const tracking = planTracking({
		config: clients.config,
		channel,
		user: to.user,
		recoverable: wishes.recoverable === true || wishes.recover === true,
		positioned: wishes.positioned === true,
		delta: wishes.delta
	});
	const recovers = tracking.recoverable && wishes.recover === true;
	const since = {
		offset: wishes.offset ?? 0,
		logEpoch: wishes.epoch ?? ""
	};
	let outcome = "gone";
	const begin = (start) => {
		if (!clients.sessions.has(session)) return false;
		if (wishes.rejectUnrecovered === true && start.recovery?.kind === "restart") {
			outcome = "unrecovered";
			return false;
		}
		const remembered = {
			...subscription,
			...start.position === null ? {} : { since: start.position.offset },
			...tracking.delta ? { delta: true } : {}
		};
		if (!clients.rememberSubscription(session, channel.name, remembered)) {
			outcome = "full";
			return false;
		}
		const missed = start.recovery?.kind === "resume" ? start.recovery.publications : [];
		const publications = new Emission(channel.name, {
			entries: missed,
			durable: true
		}).missedBy(remembered, session.deltaBases);
		const described = describe(start, tracking, publications.length > 0 ? since.offset : void 0);
		if (start.recovery !== null) clients.counters.add(start.recovery.kind === "resume" ? "resumed" : "notResumed");
		answer({
			...result,
			...described
		}, publications);
		outcome = "joined";
		return true;
	};
	try {
		await clients.hub.listen(channel.name, recovers ? {
			since,
			mode: tracking.mode
		} : null, begin, session);
	} finally {
		clients.lookAt(channel.name);
	}
	return outcome;
}
function describe({ position, recovery }, tracking, from) {
	if (position === null || !tracking.positioned) return {};
	const recovered = recovery?.kind === "resume";
	return {
		...tracking.recoverable ? { recoverable: true } : {},
		positioned: true,
		epoch: position.logEpoch,
		offset: recovered && from !== void 0 ? from : position.offset,
		...recovery === null ? {} : { was_recovering: true },
		...recovered ? { recovered: true } : {},
		...tracking.delta ? { delta: true } : {}
	};
}
// src/shard/actions.ts
async function act(clients, action) {
	const users = new Map();
	const count = (user, sessions) => {
		if (sessions > 0) users.set(user, sessions);
	};
	switch (action.kind) {
		case "send":
			for (const user of action.users) count(user, send(clients, user, action.frame));
			break;
		case "disconnect":
			count(action.user, disconnect(clients, action));
			break;
		case "unsubscribe":
			count(action.user, unsubscribe$1(clients, action));
			break;
		case "subscribe":
			count(action.user, await subscribe$1(clients, action));
			break;
		case "refresh": count(action.user, refresh$1(clients, action));
	}
	return {
		sessions: [...users.values()].reduce((sum, one) => sum + one, 0),
		noListeners: false,
		users
	};
}
function sessionsOf(clients, action) {
	return clients.sessions.ofUser(action.user).filter(({ attachment }) => action.client === null || attachment.id === action.client);
}
function send(clients, user, frame) {
	const sessions = clients.sessions.ofUser(user);
	for (const session of sessions) clients.send(session, frame);
	return sessions.filter((session) => clients.sessions.has(session)).length;
}
function disconnect(clients, action) {
	const { code, reason, except } = action;
	const meant = sessionsOf(clients, action).filter(({ attachment }) => !except.includes(attachment.id));
	for (const session of meant) clients.end(session, {
		code,
		reason
	});
	return meant.length;
}
function unsubscribe$1(clients, action) {
	const meant = sessionsOf(clients, action).filter((session) => clients.unsubscribe(session, action.channel));
	for (const session of meant) clients.send(session, encodeUnsubscribe(action.channel, "server"));
	return meant.length;
}
async function subscribe$1(clients, action) {
	return (await Promise.all(sessionsOf(clients, action).map((session) => subscribeOne(clients, session, action)))).filter(Boolean).length;
}
async function subscribeOne(clients, session, action) {
	const { config } = clients;
	const parsed = parseChannel(action.channel, config.cluster.limits.channelBytes);
	if (!parsed.ok) return false;
	let done = false;
	await clients.inOrder(session, async () => {
		const open = session.attachment;
		if (open.state !== "open") return;
		if (open.subscriptions.has(action.channel)) {
			done = true;
			return;
		}
		if (clients.countChannels(open) >= config.cluster.limits.channelsPerClient) return;
		const { user } = open;
		const joinLeave = mayJoinLeave({
			config,
			channel: parsed.channel,
			user,
			subscribed: true,
			asked: false
		});
		const subscription = {
			byServer: true,
			...joinLeave ? { joinLeave } : {},
			...action.info === void 0 ? {} : { chanInfo: action.info },
			...action.expiresAt === null ? {} : { expiresAt: action.expiresAt }
		};
		const wishes = action.since === null ? {} : {
			recover: true,
			offset: action.since.offset,
			epoch: action.since.logEpoch
		};
		const data = action.data === void 0 ? {} : { data: action.data };
		done = await join(clients, session, {
			channel: parsed.channel,
			user,
			wishes,
			subscription
		}, (result, missed) => {
			const frames = missed.map((publication) => encodePublicationPush(action.channel, publication));
			const subscribed = encodeSubscribePush(action.channel, JSON.stringify(result));
			clients.send(session, [subscribed, ...frames].join("\n"));
		}, data) === "joined";
		if (done) clients.announce("join", session, action.channel);
	});
	return done;
}
function refresh$1(clients, action) {
	const meant = sessionsOf(clients, action);
	for (const session of meant) {
		if (action.expired) {
			clients.disconnect(session, "expired");
			continue;
		}
		const { attachment } = session;
		if (attachment.state !== "open") continue;
		const { expiresAt: _old, ...rest } = attachment;
		clients.sessions.remember(session, {
			...rest,
			...action.expiresAt === null ? {} : { expiresAt: action.expiresAt },
			...action.info === void 0 ? {} : { connInfo: action.info }
		});
	}
	return meant.length;
}
// src/hooks/answers.ts
var isProse = (reason) => {
	try {
		JSON.parse(reason);
		return false;
	} catch {
		return new TextEncoder().encode(reason).byteLength <= 123;
	}
};
var value = z.unknown().refine((data) => {
	try {
		return data === void 0 || JSON.stringify(data) !== void 0;
	} catch {
		return false;
	}
}, "it is no JSON");
var refusal = z.union([z.strictObject({ error: z.strictObject({
	code: z.number().int().min(100).max(1999),
	message: z.string(),
	temporary: z.boolean().optional()
}) }), z.strictObject({ disconnect: z.strictObject({
	code: z.number().int().min(3e3).max(4999),
	reason: z.string().refine(isProse, "a reason has at most 123 bytes, and is no JSON")
}) })]);
var answer = (change) => z.union([
	z.null(),
	z.undefined(),
	refusal,
	change
]);
answer(z.strictObject({
	user: z.string(),
	info: value.optional(),
	expiresAt: z.number().positive().optional()
}));
var connectAnswer = answer(z.strictObject({
	data: value.optional(),
	channels: z.array(z.string()).optional(),
	info: value.optional()
}));
var subscribeAnswer = answer(z.strictObject({
	allow: z.literal(true).optional(),
	info: value.optional(),
	data: value.optional()
}));
var publishAnswer = answer(z.strictObject({
	allow: z.literal(true).optional(),
	data: value.optional(),
	tags: z.record(z.string(), z.string()).optional()
}));
var rpcAnswer = answer(z.strictObject({ data: value }));
// src/hooks/ask.ts
var PASS = {
	kind: "pass",
	change: {}
};
async function ask(name, hook, by) {
	try {
		const answer = by.answers.safeParse(await within(by.timeoutMs, Promise.resolve().then(() => hook())));
		if (!answer.success) throw new Error(`it answered what it may not: ${z.prettifyError(answer.error)}`);
		const { data } = answer;
		if (data === null || data === void 0) return {
			kind: "pass",
			change: {}
		};
		if ("error" in data) return {
			kind: "error",
			error: data.error
		};
		if ("disconnect" in data) return {
			kind: "disconnect",
			close: data.disconnect
		};
		return {
			kind: "pass",
			change: data
		};
	} catch (error) {
		console.error(`the hook ${name} failed`, error);
		return {
			kind: "error",
			error: ERRORS.internal
		};
	}
}
// src/hooks/asker.ts
var Asker = class {
	#hooks;
	#timeoutMs;
	#context;
	constructor(hooks, parts) {
		this.#hooks = hooks;
		this.#timeoutMs = parts.timeoutMs;
		this.#context = {
			env: parts.env,
			shard: {
				id: idOf(parts.shard.name),
				region: parts.shard.region
			}
		};
	}
	async connect(session, event) {
		const hooks = this.#hooks;
		if (hooks.onConnect === void 0) return PASS;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask("onConnect", () => hooks.onConnect?.(all), this.#by(connectAnswer));
	}
	async subscribe(session, event) {
		const hooks = this.#hooks;
		if (hooks.onSubscribe === void 0) return PASS;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask("onSubscribe", () => hooks.onSubscribe?.(all), this.#by(subscribeAnswer));
	}
	async publish(session, event) {
		const hooks = this.#hooks;
		if (hooks.onPublish === void 0) return PASS;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask("onPublish", () => hooks.onPublish?.(all), this.#by(publishAnswer));
	}
	async rpc(session, event) {
		const hooks = this.#hooks;
		if (hooks.onRpc === void 0) return void 0;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask("onRpc", () => hooks.onRpc?.(all), this.#by(rpcAnswer));
	}
	#by(answers) {
		return {
			answers,
			timeoutMs: this.#timeoutMs
		};
	}
};
// src/shard/broadcast.ts
var RETRY_FIRST_MS = 1e3;
var RETRY_LAST_MS = 3e4;
var Broadcast = class {
	#clients;
	#waiting = new Set();
	#running = false;
	constructor(clients) {
		this.#clients = clients;
	}
	get #channel() {
		const { broadcast } = this.#clients.config.cluster;
		return broadcast.enabled ? broadcast.channel : void 0;
	}
	wake(session) {
		const { attachment } = session;
		if (this.#channel === void 0 || attachment.state !== "open") return;
		const subscription = attachment.subscriptions.get(this.#channel);
		if (subscription === void 0 || subscription.behind !== void 0) this.#await(session);
	}
	async join(session, wishes, answer) {
		const channel = this.#channel;
		if (channel === void 0) return;
		try {
			await this.#join(session, wishes, (result, missed) => answer(channel, result, missed));
		} catch (error) {
			console.error("the broadcast channel's log does not answer", error);
			if (wishes.recover === true) {
				const behind = {
					offset: wishes.offset ?? 0,
					logEpoch: wishes.epoch ?? ""
				};
				this.#clients.rememberSubscription(session, channel, {
					byServer: true,
					behind
				});
				answer(channel, ownPosition(behind), []);
			}
			this.#await(session);
		}
	}
	async #join(session, wishes, answer) {
		const { attachment } = session;
		const parsed = parseChannel(this.#channel ?? "", this.#clients.config.cluster.limits.channelBytes);
		if (attachment.state !== "open" || !parsed.ok) return "gone";
		const to = {
			channel: parsed.channel,
			user: attachment.user,
			wishes,
			subscription: { byServer: true }
		};
		return join(this.#clients, session, to, answer, {});
	}
	#await(session) {
		this.#waiting.add(session);
		if (this.#running) return;
		this.#running = true;
		this.#run();
	}
	async #run() {
		let waitMs = RETRY_FIRST_MS;
		while (this.#waiting.size > 0) {
			await scheduler.wait(waitMs);
			waitMs = Math.min(waitMs * 2, RETRY_LAST_MS);
			await Promise.all([...this.#waiting].map(async (session) => {
				try {
					await this.#catchUp(session);
					this.#waiting.delete(session);
				} catch {}
			}));
		}
		this.#running = false;
	}
	async #catchUp(session) {
		const { attachment } = session;
		const channel = this.#channel;
		if (channel === void 0 || attachment.state !== "open" || !this.#clients.sessions.has(session)) return;
		const behind = attachment.subscriptions.get(channel)?.behind;
		const wishes = behind === void 0 ? {} : {
			recover: true,
			rejectUnrecovered: true,
			offset: behind.offset,
			epoch: behind.logEpoch
		};
		if (await this.#join(session, wishes, (result, missed) => {
			const publications = missed.map((publication) => encodePublicationPush(channel, publication));
			const subscribed = behind === void 0 ? [encodeSubscribePush(channel, JSON.stringify(result))] : [];
			this.#clients.send(session, [...subscribed, ...publications].join("\n"));
		}) === "unrecovered") this.#clients.disconnect(session, "insufficientState");
	}
};
var ownPosition = ({ offset, logEpoch }) => ({
	recoverable: true,
	positioned: true,
	epoch: logEpoch,
	offset,
	was_recovering: true,
	recovered: true
});
// src/shard/announcer.ts
var Announcer = class {
	#tell;
	#batchMs;
	#waiting = new Map();
	constructor(batchMs, tell) {
		this.#batchMs = batchMs;
		this.#tell = tell;
	}
	announce(channel, event) {
		if (this.#waiting.size === 0) setTimeout(() => this.#flush(), this.#batchMs);
		const events = this.#waiting.get(channel);
		if (events === void 0) this.#waiting.set(channel, [event]);
		else events.push(event);
	}
	#flush() {
		const batches = this.#waiting;
		this.#waiting = new Map();
		for (const [channel, events] of batches) this.#tell(channel, events).catch((error) => console.error("joins and leaves were lost", error));
	}
};
// src/shard/session.ts
function newSession(socket, attachment, limits) {
	const budget = {
		burst: limits.commandBurst,
		perSecond: limits.commandsPerSecond
	};
	return {
		socket,
		attachment,
		queue: Promise.resolve(),
		busy: 0,
		commands: new TokenBucket(budget, Date.now()),
		refusals: new TokenBucket(budget, Date.now()),
		deltaBases: new Map(),
		held: void 0,
		unprovenBytes: 0,
		probedAt: void 0,
		lastFrameAt: 0
	};
}
var hookSession = ({ id, user, key, connInfo }) => ({
	client: id,
	user,
	key,
	info: connInfo
});
var NONE = new Map();
var subscriptionsOf = (session) => session.attachment.state === "open" ? session.attachment.subscriptions : NONE;
// src/shard/roll.ts
var LOST = {
	code: 1006,
	reason: "lost"
};
var Roll = class {
	#sql;
	#events;
	#shard;
	constructor(storage, events, shard) {
		this.#sql = storage.sql;
		this.#events = events;
		this.#shard = shard;
	}
	enter(open) {
		if (open.operator === true) return;
		const session = hookSession(open);
		if (this.#events.wants("connected")) this.#events.record({
			type: "connected",
			shard: this.#shard,
			session
		});
		if (!this.#events.wants("disconnected")) return;
		this.#exec("INSERT OR REPLACE INTO roll VALUES (?, ?)", session.client, JSON.stringify(session));
	}
	leave(open, close) {
		if (open.operator === true || !this.#events.wants("disconnected")) return;
		this.#strike(hookSession(open), close);
	}
	wake(present) {
		if (!this.#events.wants("disconnected")) return;
		this.#exec("CREATE TABLE IF NOT EXISTS roll (client TEXT PRIMARY KEY, session TEXT NOT NULL)");
		const rows = this.#sql.exec("SELECT * FROM roll").toArray();
		for (const { client, session } of rows) if (!present.has(client)) this.#strike(JSON.parse(session), LOST);
	}
	#strike(session, { code, reason }) {
		this.#exec("DELETE FROM roll WHERE client = ?", session.client);
		this.#events.record({
			type: "disconnected",
			shard: this.#shard,
			session,
			code,
			reason
		});
	}
	#exec(query, ...values) {
		this.#sql.exec(query, ...values);
	}
};
// src/shard/vacancies.ts
var RETRY_MS = 5e3;
var Vacancies = class {
	#parts;
	#since = new Map();
	#asked = new Set();
	constructor(parts) {
		this.#parts = parts;
	}
	registers(channel) {
		if (this.#parts.wanted()) this.#exec("INSERT OR IGNORE INTO registered VALUES (?)", channel);
	}
	look(channel) {
		const { wanted, listeners, graceMs, arm } = this.#parts;
		if (!wanted()) return;
		if (listeners(channel) > 0) {
			this.#since.delete(channel);
			return;
		}
		if (this.#since.has(channel)) return;
		const now = Date.now();
		this.#since.set(channel, now);
		arm(now + graceMs);
	}
	wake() {
		if (!this.#parts.wanted()) return;
		this.#exec("CREATE TABLE IF NOT EXISTS registered (channel TEXT PRIMARY KEY)");
		const rows = this.#parts.storage.sql.exec("SELECT channel FROM registered").toArray();
		for (const { channel } of rows) this.look(channel);
	}
	run(now) {
		let next;
		for (const [channel, since] of this.#since) {
			if (this.#parts.listeners(channel) > 0) {
				this.#since.delete(channel);
				continue;
			}
			const dueAt = since + this.#parts.graceMs;
			if (dueAt <= now && !this.#asked.has(channel)) this.#settle(channel);
			const again = dueAt <= now ? now + RETRY_MS : dueAt;
			next = Math.min(next ?? again, again);
		}
		return next;
	}
	async #settle(channel) {
		this.#asked.add(channel);
		try {
			const listens = await callAgain(() => this.#parts.settle(channel));
			this.#since.delete(channel);
			if (listens || this.#parts.knows(channel)) this.look(channel);
			else this.#exec("DELETE FROM registered WHERE channel = ?", channel);
		} catch (error) {
			console.error("a channel could not be told that nobody listens", error);
		} finally {
			this.#asked.delete(channel);
		}
	}
	#exec(query, ...values) {
		this.#parts.storage.sql.exec(query, ...values);
	}
};
// src/shard/chronicle.ts
var Chronicle = class {
	roll;
	vacancies;
	#clients;
	#events;
	constructor(clients, parts) {
		const { ctx, hooks, timetable } = parts;
		const { config, env, shard } = clients;
		this.#clients = clients;
		this.#events = new Events({
			ctx,
			env,
			config,
			hooks,
			timetable,
			ordered: false
		});
		this.roll = new Roll(ctx.storage, this.#events, {
			id: idOf(shard.name),
			region: shard.region
		});
		this.vacancies = new Vacancies({
			storage: ctx.storage,
			wanted: () => this.#events.wants("occupied") || this.#events.wants("vacated"),
			graceMs: config.cluster.times.vacatedGraceMs,
			listeners: (channel) => clients.hub.sessionsOf(channel).size,
			knows: (channel) => clients.hub.knows(channel),
			settle: (channel) => channelStub(env, channel).settle(shard.name),
			arm: (at) => ctx.waitUntil(timetable.arm("vacancies", at))
		});
	}
	wake() {
		this.roll.wake(new Set([...this.#clients.sessions].map(({ attachment }) => attachment.id)));
		this.vacancies.wake();
	}
	run(duty, now) {
		return duty === "events" ? this.#events.run(now) : this.vacancies.run(now);
	}
};
// src/shard/counters.ts
var MAX_SAMPLES = 1e3;
var NOTHING = {
	frames: 0,
	connects: 0,
	disconnects: 0,
	moved: 0,
	deliveries: 0,
	resumed: 0,
	notResumed: 0
};
var Counters = class {
	#counts = { ...NOTHING };
	#latencies = [];
	add(what) {
		this.#counts[what] += 1;
	}
	emitted(channel, entries, to) {
		if (channel === "ringcast:live" || to.sessions === 0) return;
		for (const entry of entries) {
			if (entry.kind === "join" || entry.kind === "leave") continue;
			this.#counts.deliveries += to.sessions;
			if (entry.kind === "pub" && entry.at !== void 0 && this.#latencies.length < MAX_SAMPLES) this.#latencies.push(Math.max(0, to.now - entry.at));
		}
	}
	take() {
		const counts = this.#counts;
		const latencies = this.#latencies.toSorted((a, b) => a - b);
		this.#counts = { ...NOTHING };
		this.#latencies = [];
		return {
			counts,
			latency: summarize(latencies)
		};
	}
};
function summarize(sorted) {
	if (sorted.length === 0) return null;
	const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
	return {
		p50Ms: at(.5),
		p99Ms: at(.99)
	};
}
// src/protocol/recovery.ts
function planRecovery(view, since, limit) {
	if (since.logEpoch !== "" && since.logEpoch !== view.logEpoch) return {
		kind: "restart",
		reason: "another log"
	};
	if (since.offset > view.top) return {
		kind: "restart",
		reason: "a position from the future"
	};
	if (view.top - since.offset > limit) return {
		kind: "restart",
		reason: "too far behind"
	};
	const oldest = view.publications[0]?.offset ?? view.top + 1;
	if (since.offset < oldest - 1) return {
		kind: "restart",
		reason: "trimmed"
	};
	return {
		kind: "resume",
		publications: view.publications.filter(({ offset }) => offset > since.offset)
	};
}
function planCacheRecovery(view, since) {
	if (since.logEpoch === view.logEpoch && since.offset === view.top && view.top > 0) return {
		kind: "resume",
		publications: []
	};
	const newest = view.publications.at(-1);
	if (newest === void 0) return {
		kind: "restart",
		reason: "nothing is kept"
	};
	return {
		kind: "resume",
		publications: [newest]
	};
}
var proves = (view, since) => (since.logEpoch === "" || since.logEpoch === view.logEpoch) && since.offset <= view.top && since.offset >= (view.publications[0]?.offset ?? view.top + 1) - 1;
// src/shard/tail.ts
var Tail = class {
	#maxBytes;
	#runs = new Map();
	#bytes = 0;
	constructor(maxBytes) {
		this.#maxBytes = maxBytes;
	}
	add(channel, logEpoch, publications) {
		const [first] = publications;
		if (first === void 0) return;
		let run = this.#runs.get(channel);
		if (run === void 0 || run.logEpoch !== logEpoch || first.offset > run.top + 1) {
			this.drop(channel);
			run = {
				logEpoch,
				publications: [],
				top: first.offset - 1,
				bytes: 0,
				whole: false
			};
		}
		for (const publication of publications) {
			if (publication.offset <= run.top) continue;
			run.publications.push(publication);
			run.top = publication.offset;
			run.bytes += publication.body.length;
			this.#bytes += publication.body.length;
		}
		this.#use(channel, run);
		this.#shrink();
	}
	learn(channel, view, whole) {
		const known = this.#runs.get(channel);
		const same = known?.logEpoch === view.logEpoch ? known : void 0;
		const newer = same?.publications.filter(({ offset }) => offset > view.top) ?? [];
		const publications = newer[0] === void 0 || newer[0].offset === view.top + 1 ? [...view.publications, ...newer] : [...view.publications];
		const [first] = publications;
		const longer = (first?.offset ?? Infinity) < (same?.publications[0]?.offset ?? Infinity);
		if (same !== void 0 && !whole && !longer) return;
		this.drop(channel);
		const bytes = publications.reduce((sum, { body }) => sum + body.length, 0);
		this.#bytes += bytes;
		const top = publications.at(-1)?.offset ?? view.top;
		this.#use(channel, {
			logEpoch: view.logEpoch,
			publications,
			top,
			bytes,
			whole
		});
		this.#shrink();
	}
	view(channel) {
		const run = this.#runs.get(channel);
		if (run === void 0) return void 0;
		this.#use(channel, run);
		return run;
	}
	drop(channel) {
		const run = this.#runs.get(channel);
		if (run === void 0) return;
		this.#bytes -= run.bytes;
		this.#runs.delete(channel);
	}
	#use(channel, run) {
		this.#runs.delete(channel);
		this.#runs.set(channel, run);
	}
	#shrink() {
		for (const [channel, run] of this.#runs) {
			if (this.#bytes <= this.#maxBytes) return;
			if (this.#runs.size > 1) {
				this.drop(channel);
				continue;
			}
			run.whole = false;
			while (this.#bytes > this.#maxBytes && run.publications.length > 0) {
				const bytes = run.publications.shift()?.body.length ?? 0;
				run.bytes -= bytes;
				this.#bytes -= bytes;
			}
			if (run.publications.length === 0) this.drop(channel);
		}
	}
};
// src/shard/hub.ts
var Hub = class {
	#effects;
	#recoveryLimit;
	#tail;
	#channels = new Map();
	#pinned;
	constructor(limits, effects, pinned) {
		this.#pinned = pinned;
		this.#effects = effects;
		this.#recoveryLimit = limits.recoveryMaxPublications;
		this.#tail = new Tail(limits.tailBytes);
	}
	get size() {
		return this.#channels.size - (this.#channels.has(this.#pinned ?? "") ? 1 : 0);
	}
	positionOf(channel) {
		const listening = this.#channels.get(channel);
		if (listening?.position === void 0) return void 0;
		return {
			...listening.position,
			durable: listening.durable
		};
	}
	seed(channel, at) {
		const listening = this.#open(channel);
		if (listening.state.kind !== "new" || listening.position !== void 0) return;
		listening.state = { kind: "registered" };
		listening.position = {
			logEpoch: at.logEpoch,
			offset: at.offset
		};
		listening.durable = at.durable;
		this.#effects.onMoved();
	}
	async listen(channel, resume, join, session) {
		const listening = this.#open(channel);
		listening.waiting += 1;
		const begin = (start) => {
			const joined = join(start);
			if (joined) listening.sessions.add(session);
			return joined;
		};
		try {
			await this.#registered(channel, listening);
			const { position, durable } = listening;
			if (!durable || position === void 0) return begin({
				position: null,
				recovery: null
			});
			if (resume === null) return begin({
				position,
				recovery: null
			});
			const known = this.#tail.view(channel);
			const current = known?.logEpoch === position.logEpoch && known.top >= position.offset;
			if (known !== void 0 && current && settles(known, resume)) return begin(this.#startOf(known, resume));
			if (resume.since.offset === position.offset && resume.since.logEpoch === position.logEpoch) return begin(this.#startOf({
				...position,
				top: position.offset,
				publications: []
			}, resume));
			const after = this.#lookAfter(resume, position.offset, known !== void 0);
			return await this.#look(channel, listening, after, (view) => begin(this.#startOf(view, resume)));
		} finally {
			listening.waiting -= 1;
			this.#tidy(channel, listening);
		}
	}
	restore(channel, session, kept) {
		if (kept !== void 0) this.seed(channel, kept);
		this.#open(channel).sessions.add(session);
	}
	channels() {
		return [...this.#channels].flatMap(([name, { sessions }]) => sessions.size > 0 && name !== this.#pinned ? [[name, sessions.size]] : []);
	}
	leave(channel, session) {
		this.#channels.get(channel)?.sessions.delete(session);
	}
	get subscriptions() {
		let sum = 0;
		for (const { sessions } of this.#channels.values()) sum += sessions.size;
		return sum;
	}
	sessionsOf(channel) {
		return this.#channels.get(channel)?.sessions ?? new Set();
	}
	before(channel, offset) {
		return this.#tail.view(channel)?.publications.find((one) => one.offset === (offset ?? 0) - 1);
	}
	positions() {
		const kept = new Map();
		for (const [channel, { position, durable }] of this.#channels) if (position !== void 0) kept.set(channel, {
			...position,
			durable
		});
		return kept;
	}
	knows(channel) {
		return this.#channels.has(channel);
	}
	attends(channel) {
		const listening = this.#channels.get(channel);
		if (listening !== void 0 && (listening.sessions.size > 0 || listening.waiting > 0) || channel === this.#pinned) return true;
		this.#channels.delete(channel);
		this.#tail.drop(channel);
		return false;
	}
	async deliver(delivery) {
		const { channel } = delivery;
		if (!this.attends(channel)) return {
			kind: "noListeners",
			sessions: 0
		};
		const listening = this.#open(channel);
		if (listening.state.kind === "registering") {
			listening.state.early.push(delivery);
			return {
				kind: "delivered",
				sessions: listening.sessions.size
			};
		}
		const applied = listening.applying.then(() => this.#apply(listening, delivery));
		listening.applying = applied.catch(() => void 0);
		await applied;
		return {
			kind: "delivered",
			sessions: listening.sessions.size
		};
	}
	async #registered(channel, listening) {
		if (listening.state.kind === "new" && channel === this.#pinned && listening.position !== void 0) listening.state = { kind: "registered" };
		if (listening.state.kind === "new") {
			const has = listening.sessions.size > 0 ? { position: listening.position ?? null } : null;
			const answer = this.#effects.register(channel, has);
			listening.state = {
				kind: "registering",
				answer,
				early: []
			};
			answer.then((registration) => this.#onRegistered(channel, listening, registration), () => listening.state = { kind: "new" });
		}
		if (listening.state.kind !== "registering") return;
		if (await listening.state.answer === null) await this.#registered(channel, listening);
	}
	#onRegistered(channel, listening, registration) {
		const early = listening.state.kind === "registering" ? listening.state.early : [];
		if (registration === null) {
			this.#giveUp(channel, listening);
			listening.state = { kind: "new" };
			return;
		}
		listening.state = { kind: "registered" };
		listening.durable = registration.durable;
		listening.position = {
			logEpoch: registration.logEpoch,
			offset: registration.offset
		};
		this.#effects.onMoved();
		for (const delivery of early) listening.applying = listening.applying.then(() => this.#apply(listening, delivery)).catch((error) => console.error("a delivery could not be applied", error));
	}
	async #apply(listening, delivery) {
		const { channel, logEpoch, durable } = delivery;
		if (logEpoch === listening.superseded) return;
		let position = listening.position;
		if (position !== void 0 && position.logEpoch !== logEpoch) listening.superseded = position.logEpoch;
		if (durable && position !== void 0 && position.logEpoch !== logEpoch) {
			this.#giveUp(channel, listening);
			position = {
				logEpoch,
				offset: delivery.since
			};
		}
		if (position === void 0 || position.logEpoch !== logEpoch) {
			if (durable && delivery.mayRepeat) this.#giveUp(channel, listening);
			position = {
				logEpoch,
				offset: durable ? delivery.since : 0
			};
		}
		if (durable && delivery.since > position.offset && delivery.entries.some(({ kind }) => kind === "pub")) position = await this.#pull(listening, channel, position);
		const from = position.offset;
		const fresh = delivery.entries.filter((entry) => entry.kind !== "pub" || entry.offset > from);
		const said = fresh.filter((entry) => entry.kind !== "cleared");
		this.#advance(listening, channel, {
			logEpoch,
			offset: from
		}, said, durable);
		if (said.length === fresh.length) return;
		this.#tail.drop(channel);
		if (listening.looking !== void 0) listening.looking.outdated = true;
	}
	async #pull(listening, channel, position) {
		const view = await this.#effects.view(channel, position.offset);
		const recovery = planRecovery(view, {
			offset: position.offset,
			logEpoch: position.logEpoch
		}, Infinity);
		if (recovery.kind === "restart") {
			this.#giveUp(channel, listening);
			return {
				logEpoch: view.logEpoch,
				offset: view.top
			};
		}
		this.#advance(listening, channel, position, recovery.publications, true);
		return {
			logEpoch: view.logEpoch,
			offset: view.top
		};
	}
	#advance(listening, channel, from, entries, durable) {
		const publications = entries.filter((entry) => entry.kind === "pub");
		const last = publications.at(-1);
		listening.position = {
			logEpoch: from.logEpoch,
			offset: last?.offset ?? from.offset
		};
		listening.durable = durable;
		if (durable && last !== void 0) {
			this.#tail.add(channel, from.logEpoch, publications);
			listening.looking?.meanwhile.push(...publications);
		}
		this.#effects.onMoved();
		if (entries.length > 0) this.#effects.emit(channel, entries, listening.sessions, durable);
	}
	#look(channel, listening, after, use) {
		return new Promise((resolve, reject) => {
			const waiter = {
				after,
				use: (view) => {
					try {
						resolve(use(view));
					} catch (error) {
						reject(error instanceof Error ? error : new Error(String(error)));
					}
				},
				fail: reject
			};
			const { looking } = listening;
			if (looking === void 0) this.#startLook(channel, listening, [waiter]);
			else if (looking.after <= after) looking.waiters.push(waiter);
			else looking.next.push(waiter);
		});
	}
	#lookAfter({ since, mode }, top, again) {
		if (mode === "cache") return Math.max(0, top - 1);
		return again ? Math.min(since.offset, Math.max(0, top - this.#recoveryLimit)) : since.offset;
	}
	async #startLook(channel, listening, waiters) {
		const after = Math.min(...waiters.map((waiter) => waiter.after));
		const looking = {
			after,
			waiters,
			next: [],
			meanwhile: [],
			outdated: false
		};
		listening.looking = looking;
		let view;
		try {
			view = await this.#effects.view(channel, after);
		} catch (error) {
			listening.looking = void 0;
			for (const waiter of [...looking.waiters, ...looking.next]) waiter.fail(error);
			return;
		}
		listening.looking = void 0;
		if (!looking.outdated) this.#tail.learn(channel, view, after <= Math.max(0, view.top - this.#recoveryLimit));
		const complete = extend(view, looking.meanwhile);
		for (const waiter of looking.waiters) waiter.use(complete);
		if (looking.next.length > 0) this.#startLook(channel, listening, looking.next);
	}
	#startOf(view, { since, mode }) {
		const recovery = mode === "cache" ? planCacheRecovery(view, since) : planRecovery(view, since, this.#recoveryLimit);
		return {
			position: {
				logEpoch: view.logEpoch,
				offset: view.top
			},
			recovery
		};
	}
	#giveUp(channel, listening) {
		const sessions = [...listening.sessions];
		listening.sessions.clear();
		listening.position = void 0;
		this.#tail.drop(channel);
		if (sessions.length > 0) this.#effects.giveUp(channel, sessions);
	}
	#open(channel) {
		let listening = this.#channels.get(channel);
		if (listening === void 0) {
			listening = {
				state: { kind: "new" },
				position: void 0,
				superseded: void 0,
				durable: false,
				sessions: new Set(),
				waiting: 0,
				applying: Promise.resolve(),
				looking: void 0
			};
			this.#channels.set(channel, listening);
		}
		return listening;
	}
	#tidy(channel, listening) {
		if (listening.sessions.size === 0 && listening.waiting === 0 && listening.state.kind === "new" && this.#channels.get(channel) === listening) this.#channels.delete(channel);
	}
};
function settles(known, { since, mode }) {
	if (mode === "cache") return known.publications.length > 0;
	const sameLog = since.logEpoch === "" || since.logEpoch === known.logEpoch;
	return proves(known, since) || known.whole && sameLog && since.offset <= known.top;
}
function extend(view, meanwhile) {
	const publications = [...view.publications];
	let { top } = view;
	for (const publication of meanwhile) {
		if (publication.offset !== top + 1) continue;
		publications.push(publication);
		top = publication.offset;
	}
	return {
		logEpoch: view.logEpoch,
		top,
		publications
	};
}
// src/shard/positions.ts
var WRITE_MS = 200;
var Positions = class {
	#ctx;
	#present;
	#writing = false;
	constructor(ctx, present) {
		this.#ctx = ctx;
		this.#present = present;
	}
	read() {
		return this.#ctx.storage.kv.get("positions") ?? new Map();
	}
	touch() {
		if (this.#writing) return;
		this.#writing = true;
		this.#ctx.waitUntil(this.#write());
	}
	async #write() {
		await scheduler.wait(WRITE_MS);
		this.#writing = false;
		this.#ctx.storage.kv.put("positions", this.#present());
	}
};
// src/shard/outbox.ts
var HARD_FACTOR = 8;
function sendFrame(session, frame, context) {
	const { limits, now } = context;
	try {
		session.socket.send(frame);
	} catch {
		return "gone";
	}
	session.unprovenBytes += frame.length;
	if (session.unprovenBytes <= limits.queuedBytes / 4) return "sent";
	const buffered = Reflect.get(session.socket, "bufferedAmount");
	if (typeof buffered === "number") {
		session.unprovenBytes = buffered;
		return buffered > limits.queuedBytes ? "slow" : "sent";
	}
	if (session.unprovenBytes <= limits.queuedBytes / 2) return "sent";
	if (session.probedAt === void 0) {
		session.probedAt = now;
		session.unprovenBytes = limits.queuedBytes / 2;
		session.socket.send("{}");
		return "sent";
	}
	if (context.answeredAt(session.socket) >= session.probedAt) {
		session.probedAt = void 0;
		session.unprovenBytes = 0;
		return "sent";
	}
	if (session.unprovenBytes > limits.queuedBytes * HARD_FACTOR) return "slow";
	return now - session.probedAt > limits.slowReaderGraceMs && session.unprovenBytes > limits.queuedBytes ? "slow" : "sent";
}
// src/shard/sessions.ts
var Sessions = class {
	#bySocket = new Map();
	#byUser = new Map();
	get size() {
		return this.#bySocket.size;
	}
	get users() {
		return this.#byUser.size;
	}
	[Symbol.iterator]() {
		return this.#bySocket.values();
	}
	wake(sockets, limits) {
		for (const socket of sockets) {
			const attachment = socket.deserializeAttachment();
			if (attachment === null || attachment.state === "closing") continue;
			this.add(newSession(socket, attachment, limits));
		}
	}
	add(session) {
		this.#bySocket.set(session.socket, session);
		if (session.attachment.state === "open") this.#index(session, session.attachment.user);
	}
	get(socket) {
		return this.#bySocket.get(socket);
	}
	has(session) {
		return this.#bySocket.get(session.socket) === session;
	}
	ofUser(user) {
		return [...this.#byUser.get(user) ?? []];
	}
	remember(session, attachment) {
		try {
			session.socket.serializeAttachment(attachment);
		} catch {
			return false;
		}
		const before = session.attachment;
		session.attachment = attachment;
		if (before.state === "opening" && attachment.state === "open") this.#index(session, attachment.user);
		return true;
	}
	delete(session) {
		this.#bySocket.delete(session.socket);
		if (session.attachment.state !== "open") return;
		const { user } = session.attachment;
		const others = this.#byUser.get(user);
		others?.delete(session);
		if (others?.size === 0) this.#byUser.delete(user);
	}
	#index(session, user) {
		const sessions = this.#byUser.get(user) ?? new Set();
		sessions.add(session);
		this.#byUser.set(user, sessions);
	}
};
// src/shard/clients.ts
var GIVE_UPS_PER_SECOND = 100;
var COORDINATOR_WAIT_MS$1 = 1500;
var COORDINATOR_REST_MS = 900;
var Clients = class {
	env;
	config;
	shard;
	verifier;
	ask;
	chronicle;
	sessions = new Sessions();
	hub;
	counters = new Counters();
	broadcast;
	#ctx;
	#announcer;
	#positions;
	#coordinatorRestsUntil = 0;
	constructor(parts) {
		this.env = parts.env;
		this.config = parts.config;
		this.shard = parts.shard;
		this.verifier = parts.verifier;
		this.#ctx = parts.ctx;
		const { broadcast, limits, times } = this.config.cluster;
		this.ask = new Asker(parts.hooks, {
			env: this.env,
			shard: this.shard,
			timeoutMs: times.hookTimeoutMs
		});
		this.hub = new Hub(limits, {
			register: (channel, listening) => {
				if (isBroadcast(this.config, channel)) return this.#askCoordinator((stub) => stub.register(this.shard, listening));
				this.chronicle.vacancies.registers(channel);
				return callAgain(() => channelStub(this.env, channel).register(this.shard, listening));
			},
			view: (channel, after) => isBroadcast(this.config, channel) ? this.#askCoordinator((stub) => stub.view(after)) : callAgain(() => channelStub(this.env, channel).view(after)),
			emit: (channel, entries, sessions, durable) => {
				this.counters.emitted(channel, entries, {
					sessions: sessions.size,
					now: Date.now()
				});
				this.#emit(channel, entries, {
					sessions,
					durable
				});
			},
			giveUp: (channel, sessions) => this.#giveUp(channel, sessions),
			onMoved: () => this.#positions.touch()
		}, broadcast.enabled ? broadcast.channel : void 0);
		this.broadcast = new Broadcast(this);
		this.chronicle = new Chronicle(this, parts);
		this.#positions = new Positions(this.#ctx, () => this.hub.positions());
		this.#announcer = new Announcer(times.joinLeaveBatchMs, (channel, events) => callAgain(() => channelStub(this.env, channel).announce([...events])));
	}
	wake(closing) {
		const sockets = new Set([...this.#ctx.getWebSockets(), ...closing]);
		this.sessions.wake(sockets, this.config.cluster.limits);
		const positions = sockets.size > 0 ? this.#positions.read() : new Map();
		const { broadcast } = this.config.cluster;
		const heard = positions.get(broadcast.channel);
		if (broadcast.enabled && heard !== void 0) this.hub.seed(broadcast.channel, heard);
		for (const session of this.sessions) {
			for (const [channel, { behind }] of subscriptionsOf(session)) if (behind === void 0) this.hub.restore(channel, session, positions.get(channel));
			this.broadcast.wake(session);
		}
		this.chronicle.wake();
	}
	letIn(session, open) {
		if (!this.sessions.remember(session, open)) return false;
		this.chronicle.roll.enter(open);
		return true;
	}
	seenAt(session) {
		return Math.max(session.attachment.openedAt, session.lastFrameAt, this.#pongAt(session.socket));
	}
	hold(session) {
		session.held ??= [];
	}
	release(session, first) {
		const held = session.held ?? [];
		session.held = void 0;
		for (const frame of [first, ...held]) this.send(session, frame);
	}
	send(session, frame, context = this.#sendContext()) {
		if (frame === "" || !this.sessions.has(session)) return;
		if (session.held !== void 0) {
			session.held.push(frame);
			return;
		}
		if (sendFrame(session, frame, context) === "slow") this.disconnect(session, "slow");
	}
	disconnect(session, why, ending = {}) {
		const { code, reason } = DISCONNECTS[why];
		this.end(session, {
			code,
			reason: ending.reason ?? reason
		}, ending.moving === true);
	}
	end(session, close, moving = false) {
		if (!this.sessions.has(session)) return;
		this.#remove(session, close, moving);
		session.socket.serializeAttachment({
			state: "closing",
			id: session.attachment.id
		});
		session.socket.close(close.code, close.reason);
	}
	inOrder(session, work) {
		session.busy += 1;
		session.queue = session.queue.then(work).catch((error) => {
			console.error("a frame failed", error);
			this.disconnect(session, "serverError");
		});
		return session.queue.finally(() => session.busy -= 1);
	}
	lost(socket, close) {
		const session = this.sessions.get(socket);
		if (session !== void 0) this.#remove(session, close, false);
	}
	infoOf(session, channel) {
		const { attachment } = session;
		const user = attachment.state === "open" ? attachment.user : "";
		const connInfo = attachment.state === "open" ? attachment.connInfo : void 0;
		const chanInfo = subscriptionsOf(session).get(channel)?.chanInfo;
		return {
			user,
			client: attachment.id,
			...connInfo === void 0 ? {} : { conn_info: connInfo },
			...chanInfo === void 0 ? {} : { chan_info: chanInfo }
		};
	}
	presenceHere(channel) {
		return [...this.hub.sessionsOf(channel)].map((session) => {
			const info = this.infoOf(session, channel);
			return {
				client: info.client,
				user: info.user,
				info: JSON.stringify(info)
			};
		});
	}
	announce(kind, session, channel, held = false) {
		const parsed = parseChannel(channel, this.config.cluster.limits.channelBytes);
		if (!parsed.ok || namespaceOf(this.config, parsed.channel)?.join_leave !== true) return;
		const info = this.infoOf(session, channel);
		this.#announcer.announce(channel, {
			kind,
			user: info.user,
			body: encodePresenceEvent(info),
			held
		});
	}
	unsubscribe(session, channel) {
		const { attachment } = session;
		if (attachment.state !== "open" || !attachment.subscriptions.has(channel)) return false;
		this.announce("leave", session, channel);
		this.#leave(channel, session);
		const subscriptions = new Map(attachment.subscriptions);
		subscriptions.delete(channel);
		this.sessions.remember(session, {
			...attachment,
			subscriptions
		});
		return true;
	}
	countChannels({ subscriptions }) {
		return subscriptions.size - (subscriptions.has(this.config.cluster.broadcast.channel) ? 1 : 0);
	}
	rememberSubscription(session, channel, subscription) {
		const { attachment } = session;
		if (attachment.state !== "open") return false;
		const subscriptions = new Map(attachment.subscriptions).set(channel, subscription);
		return this.sessions.remember(session, {
			...attachment,
			subscriptions
		});
	}
	lookAt(channel) {
		if (!isBroadcast(this.config, channel)) this.chronicle.vacancies.look(channel);
	}
	#leave(channel, session) {
		this.hub.leave(channel, session);
		this.lookAt(channel);
	}
	#remove(session, close, moving) {
		for (const channel of subscriptionsOf(session).keys()) {
			this.announce("leave", session, channel, moving);
			this.#leave(channel, session);
		}
		this.sessions.delete(session);
		this.counters.add(moving ? "moved" : "disconnects");
		if (session.attachment.state === "open") this.chronicle.roll.leave(session.attachment, close);
	}
	#emit(channel, entries, to) {
		const first = entries.find((entry) => entry.kind === "pub");
		const before = this.hub.before(channel, first?.offset);
		const emission = new Emission(channel, {
			entries,
			durable: to.durable,
			before
		});
		const context = this.#sendContext();
		for (const session of to.sessions) {
			const subscription = subscriptionsOf(session).get(channel);
			if (subscription !== void 0) this.send(session, emission.frameFor(subscription, session.deltaBases), context);
		}
	}
	#giveUp(channel, sessions) {
		this.lookAt(channel);
		for (const [n, session] of sessions.entries()) {
			const { attachment } = session;
			if (attachment.state !== "open") continue;
			const byServer = attachment.subscriptions.get(channel)?.byServer === true;
			const subscriptions = new Map(attachment.subscriptions);
			subscriptions.delete(channel);
			this.sessions.remember(session, {
				...attachment,
				subscriptions
			});
			setTimeout(() => {
				if (byServer) this.disconnect(session, "insufficientState");
				else this.send(session, encodeUnsubscribe(channel, "insufficientState"));
			}, n / GIVE_UPS_PER_SECOND * 1e3);
		}
	}
	async #askCoordinator(ask) {
		if (Date.now() < this.#coordinatorRestsUntil) throw new Error("the coordinator did not answer just now");
		try {
			return await within(COORDINATOR_WAIT_MS$1, ask(coordinatorStub(this.env)));
		} catch (error) {
			this.#coordinatorRestsUntil = Date.now() + COORDINATOR_REST_MS;
			throw error;
		}
	}
	#sendContext() {
		const { limits } = this.config.cluster;
		return {
			now: Date.now(),
			limits,
			answeredAt: (socket) => this.#pongAt(socket)
		};
	}
	#pongAt(socket) {
		return this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
	}
};
// src/protocol/command.ts
var uint32 = z.number().int().min(0).max(4294967295);
var offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
var channel = z.string();
var position = z.object({
	recover: z.boolean().optional(),
	offset: offset.optional(),
	epoch: z.string().optional(),
	delta: z.string().optional()
});
var bodies = {
	connect: z.object({
		token: z.string().optional(),
		data: z.unknown().optional(),
		name: z.string().optional(),
		version: z.string().optional(),
		subs: z.record(z.string(), position).optional()
	}),
	subscribe: z.object({
		channel,
		token: z.string().optional(),
		data: z.unknown().optional(),
		recover: z.boolean().optional(),
		epoch: z.string().optional(),
		offset: offset.optional(),
		join_leave: z.boolean().optional(),
		delta: z.string().optional(),
		positioned: z.boolean().optional(),
		recoverable: z.boolean().optional(),
		flag: uint32.optional(),
		tf: tagsFilterSchema.optional()
	}),
	unsubscribe: z.object({ channel }),
	publish: z.object({
		channel,
		data: z.unknown().optional()
	}),
	presence: z.object({ channel }),
	presence_stats: z.object({ channel }),
	history: z.object({
		channel,
		limit: z.number().int().min(-1).max(2147483647).optional(),
		since: z.object({
			offset: offset.optional(),
			epoch: z.string().optional()
		}).optional(),
		reverse: z.boolean().optional()
	}),
	rpc: z.object({
		method: z.string().optional(),
		data: z.unknown().optional()
	}),
	send: z.object({ data: z.unknown().optional() }),
	refresh: z.object({ token: z.string() }),
	sub_refresh: z.object({
		channel,
		token: z.string().optional()
	})
};
var KINDS = Object.keys(bodies);
function parseFrame(text) {
	const commands = [];
	for (const line of text.trim().split("\n")) {
		let value;
		try {
			value = JSON.parse(line);
		} catch {
			return {
				ok: false,
				detail: "not JSON"
			};
		}
		if (typeof value !== "object" || value === null || Array.isArray(value)) return {
			ok: false,
			detail: "not an object"
		};
		if (Object.keys(value).length === 0) continue;
		const command = parseCommand(value);
		if (typeof command === "string") return {
			ok: false,
			detail: command
		};
		commands.push(command);
	}
	return {
		ok: true,
		commands
	};
}
function parseCommand(value) {
	const kind = KINDS.find((name) => value[name] !== void 0 && value[name] !== null);
	if (kind === void 0) return "unknown command";
	const id = uint32.safeParse(value["id"] ?? 0);
	if (!id.success) return "id is not an unsigned 32-bit integer";
	if (id.data === 0 && kind !== "send") return "a command needs an id";
	const body = bodies[kind].safeParse(value[kind]);
	if (!body.success) return `${kind}: ${body.error.issues[0]?.path.join(".") ?? ""} ${body.error.issues[0]?.message ?? ""}`;
	return {
		kind,
		id: id.data,
		body: body.data
	};
}
var PROTOCOL_VERSION = `ringcast 0.1.0`;
// src/shard/commands/time-to-live.ts
function timeToLive(expiresAt, now) {
	if (expiresAt === void 0) return {};
	return {
		expires: true,
		ttl: Math.max(1, Math.ceil((expiresAt - now) / 1e3))
	};
}
// src/shard/commands/connect.ts
var ANONYMOUS = {
	user: "",
	channels: [],
	subs: {}
};
async function connect(clients, session, command) {
	const opening = session.attachment;
	if (opening.state !== "opening") return clients.disconnect(session, "badRequest");
	const identity = await identify(clients, opening, command.body.token);
	if (!clients.sessions.has(session)) return;
	if (identity.kind === "disconnect") return clients.end(session, identity.close);
	if (identity.kind === "error") return refuse$1(clients, session, opening, command.id, identity.error);
	const { claims } = identity;
	const asked = isOperator(claims) ? PASS : await askHook(clients, opening, claims, command.body);
	if (!clients.sessions.has(session)) return;
	if (asked.kind === "disconnect") return clients.end(session, asked.close);
	if (asked.kind === "error") return refuse$1(clients, session, opening, command.id, asked.error);
	const { data: greeting, channels: added = [], info = claims.info } = asked.change;
	const personal = personalChannel(clients, claims.user);
	const { broadcast } = clients.config.cluster;
	const channels = [...new Set([
		...claims.channels,
		...Object.keys(claims.subs),
		...personal,
		...added
	])].filter((channel) => !isBroadcast(clients.config, channel));
	if (channels.length > clients.config.cluster.limits.channelsPerClient) return clients.disconnect(session, "channelLimit");
	const names = new Map();
	for (const name of channels) {
		const parsed = parseChannel(name, clients.config.cluster.limits.channelBytes);
		if (!parsed.ok || namespaceOf(clients.config, parsed.channel) === void 0) return refuse$1(clients, session, opening, command.id, parsed.ok ? "unknownChannel" : "badRequest");
		names.set(name, parsed.channel);
	}
	const { token: _spent, identity: _used, ...placed } = opening;
	const open = {
		...placed,
		state: "open",
		openedAt: Date.now(),
		user: claims.user,
		subscriptions: new Map(),
		...info === void 0 ? {} : { connInfo: info },
		...isOperator(claims) ? { operator: true } : {},
		...claims.expiresAt === void 0 ? {} : { expiresAt: claims.expiresAt * 1e3 }
	};
	if (!clients.letIn(session, open)) return clients.disconnect(session, "badRequest");
	clients.hold(session);
	const subs = new Map();
	const tell = (channel, result, missed) => void subs.set(channel, encodeSubscribed(result, missed));
	const heard = clients.broadcast.join(session, command.body.subs?.[broadcast.channel] ?? {}, tell);
	const joined = await Promise.allSettled([...names.values()].map((channel) => {
		const wishes = command.body.subs?.[channel.name] ?? {};
		const to = {
			channel,
			user: open.user,
			wishes,
			subscription: byServer(clients, open, channel, claims)
		};
		const { data } = claims.subs[channel.name] ?? {};
		return join(clients, session, to, (...answer) => tell(channel.name, ...answer), data === void 0 ? {} : { data });
	}));
	await heard;
	if (!clients.sessions.has(session)) return;
	if (joined.some(({ status }) => status === "rejected")) return clients.disconnect(session, "serverError");
	if (channels.some((channel) => !subs.has(channel))) return clients.disconnect(session, "channelLimit");
	const result = {
		client: open.id,
		version: PROTOCOL_VERSION,
		node: clients.shard.name.slice(clients.shard.region.length + 1),
		ping: Math.ceil(clients.config.cluster.times.pingIntervalMs / 1e3),
		pong: true,
		...timeToLive(open.expiresAt, Date.now()),
		...greeting === void 0 ? {} : { data: greeting }
	};
	clients.counters.add("connects");
	clients.release(session, encodeConnected(command.id, result, subs));
	for (const channel of channels) clients.announce("join", session, channel);
}
async function identify(clients, opening, sent) {
	const { anonymous, insecure, affinity } = clients.config.cluster;
	const token = sent === void 0 || sent === "" ? opening.token : sent;
	const { identity } = opening;
	let claims = ANONYMOUS;
	if (identity !== void 0) {
		const shown = token === void 0 ? void 0 : await clients.verifier.connection(token);
		if (shown?.ok === true && shown.claims.operator === true) claims = shown.claims;
		else if (identity.kind === "user") claims = claimsOf(identity);
		else return identity;
	} else if (token !== void 0) {
		const verdict = await clients.verifier.connection(token);
		if (!verdict.ok) {
			if (verdict.reason === "expired") return {
				kind: "error",
				error: "tokenExpired"
			};
			if (verdict.reason === "unavailable") return {
				kind: "error",
				error: "internal"
			};
			return closeWith("invalidToken");
		}
		claims = verdict.claims;
	} else if (!anonymous && !insecure) return closeWith("badRequest");
	if (affinity.userIsKey && !isOperator(claims) && claims.user !== opening.key) return closeWith("permissionDenied");
	return {
		kind: "known",
		claims
	};
}
var isOperator = ({ operator, user }) => operator === true && user === "";
var closeWith = (why) => ({
	kind: "disconnect",
	close: DISCONNECTS[why]
});
var claimsOf = ({ user, info, expiresAt }) => ({
	...ANONYMOUS,
	user,
	...info === void 0 ? {} : { info },
	...expiresAt === void 0 ? {} : { expiresAt: expiresAt / 1e3 }
});
function askHook(clients, { id, key }, { user, info }, { data, name = "", version = "" }) {
	return clients.ask.connect(hookSession({
		id,
		user,
		key,
		connInfo: info
	}), {
		data,
		name,
		version
	});
}
function refuse$1(clients, session, opening, id, error) {
	clients.sessions.remember(session, {
		...opening,
		refused: true
	});
	clients.send(session, encodeError(id, error));
}
function personalChannel({ config }, user) {
	const { enabled, namespace } = config.cluster.personalChannel;
	if (!enabled || user === "") return [];
	return [namespace === "" ? `#${user}` : `${namespace}:#${user}`];
}
function byServer(clients, open, channel, claims) {
	const { config } = clients;
	const joinLeave = mayJoinLeave({
		config,
		channel,
		user: open.user,
		subscribed: true,
		asked: false
	});
	const chanInfo = claims.subs[channel.name]?.info;
	return {
		byServer: true,
		...joinLeave ? { joinLeave } : {},
		...chanInfo === void 0 ? {} : { chanInfo }
	};
}
// src/shard/commands/history.ts
async function history(clients, session, open, command) {
	const { id, body } = command;
	const parsed = parseChannel(body.channel, clients.config.cluster.limits.channelBytes);
	if (!parsed.ok) return clients.send(session, encodeError(id, "badRequest"));
	const plan = mayHistory({
		config: clients.config,
		channel: parsed.channel,
		user: open.user,
		subscribed: open.subscriptions.has(body.channel)
	});
	if (plan !== "allowed") return clients.send(session, encodeError(id, plan));
	const { since } = body;
	const query = {
		limit: body.limit ?? 0,
		reverse: body.reverse === true,
		since: since === void 0 ? null : {
			offset: since.offset ?? 0,
			logEpoch: since.epoch ?? ""
		}
	};
	try {
		const answer = await callAgain(() => channelStub(clients.env, body.channel).history(query));
		const { refused } = answer;
		clients.send(session, refused === null ? encodeHistory(id, answer) : encodeError(id, refused));
	} catch (error) {
		console.error("a history could not be asked", error);
		clients.send(session, encodeError(id, "internal"));
	}
}
// src/shard/commands/presence.ts
var RemotePresence = class {
	#answers = new Map();
	ask(clients, channel) {
		const now = Date.now();
		const known = this.#answers.get(channel);
		if (known !== void 0 && now - known.at < clients.config.cluster.times.presenceCacheMs) return known.answer;
		for (const [name, { at }] of this.#answers) if (now - at >= clients.config.cluster.times.presenceCacheMs) this.#answers.delete(name);
		const answer = callAgain(() => channelStub(clients.env, channel).presence(clients.shard.name));
		this.#answers.set(channel, {
			at: now,
			answer
		});
		answer.catch(() => this.#answers.delete(channel));
		return answer;
	}
};
async function presence(clients, remote, session, open, command) {
	const { id, body } = command;
	const parsed = parseChannel(body.channel, clients.config.cluster.limits.channelBytes);
	if (!parsed.ok) return clients.send(session, encodeError(id, "badRequest"));
	const plan = mayPresence({
		config: clients.config,
		channel: parsed.channel,
		user: open.user,
		subscribed: open.subscriptions.has(body.channel)
	});
	if (plan !== "allowed") return clients.send(session, encodeError(id, plan));
	let elsewhere;
	try {
		elsewhere = await remote.ask(clients, body.channel);
	} catch (error) {
		console.error("presence could not be asked", error);
		return clients.send(session, encodeError(id, "internal"));
	}
	const everybody = new Map();
	for (const info of [...elsewhere, ...clients.presenceHere(body.channel)]) everybody.set(info.client, info);
	if (command.kind === "presence") return clients.send(session, encodePresence(id, everybody.values()));
	const users = new Set([...everybody.values()].map((info) => info.user));
	clients.send(session, encodeReply(id, "presence_stats", {
		num_clients: everybody.size,
		num_users: users.size
	}));
}
// src/shard/commands/publish.ts
async function publish(clients, session, open, command) {
	const { id, body } = command;
	const parsed = parseChannel(body.channel, clients.config.cluster.limits.channelBytes);
	if (!parsed.ok || body.data === void 0) return clients.send(session, encodeError(id, "badRequest"));
	const { channel } = parsed;
	const asking = () => ({
		config: clients.config,
		channel,
		user: open.user,
		subscribed: subscriptionsOf(session).has(body.channel)
	});
	const mayBe = mayPublish({
		...asking(),
		granted: true
	});
	if (mayBe !== "allowed") return clients.send(session, encodeError(id, mayBe));
	const asked = await clients.ask.publish(hookSession(open), {
		channel: channel.name,
		data: body.data
	});
	if (!clients.sessions.has(session)) return;
	if (asked.kind === "error") return clients.send(session, encodeError(id, asked.error));
	if (asked.kind === "disconnect") return clients.end(session, asked.close);
	const { allow, data = body.data, tags } = asked.change;
	const plan = mayPublish({
		...asking(),
		granted: allow === true
	});
	if (plan !== "allowed") return clients.send(session, encodeError(id, plan));
	const publication = {
		id: crypto.randomUUID(),
		body: encodePublication({
			data,
			info: clients.infoOf(session, body.channel),
			...tags === void 0 ? {} : { tags }
		})
	};
	try {
		const { refused } = await callAgain(() => channelStub(clients.env, body.channel).publish(publication));
		if (refused !== null) return clients.send(session, encodeError(id, "limitExceeded"));
	} catch (error) {
		console.error("a publication failed", error);
		return clients.send(session, encodeError(id, "internal"));
	}
	clients.send(session, encodeReply(id, "publish", {}));
}
// src/shard/commands/refresh.ts
async function refresh(clients, session, open, command) {
	const verdict = await clients.verifier.connection(command.body.token);
	if (!clients.sessions.has(session)) return;
	if (!verdict.ok) {
		if (verdict.reason === "unavailable") return clients.send(session, encodeError(command.id, "internal"));
		return clients.disconnect(session, verdict.reason === "expired" ? "expired" : "invalidToken");
	}
	const { claims } = verdict;
	if (claims.user !== open.user) return clients.disconnect(session, "invalidToken");
	if (session.attachment.state !== "open") return;
	const { expiresAt: _old, ...rest } = session.attachment;
	const expiresAt = claims.expiresAt === void 0 ? void 0 : claims.expiresAt * 1e3;
	clients.sessions.remember(session, {
		...rest,
		...expiresAt === void 0 ? {} : { expiresAt }
	});
	clients.send(session, encodeReply(command.id, "refresh", {
		client: open.id,
		version: PROTOCOL_VERSION,
		...timeToLive(expiresAt, Date.now())
	}));
}
// src/shard/commands/rpc.ts
async function rpc(clients, session, open, { id, body }) {
	const asked = await clients.ask.rpc(hookSession(open), {
		method: body.method ?? "",
		data: body.data
	});
	if (!clients.sessions.has(session)) return;
	if (asked === void 0) return clients.send(session, encodeError(id, "notAvailable"));
	if (asked.kind === "error") return clients.send(session, encodeError(id, asked.error));
	if (asked.kind === "disconnect") return clients.end(session, asked.close);
	clients.send(session, encodeReply(id, "rpc", { data: asked.change.data ?? null }));
}
// src/shard/commands/subscribe.ts
var REJECT_UNRECOVERED = 2;
async function subscribe(clients, session, open, command) {
	const { id, body } = command;
	const { limits } = clients.config.cluster;
	const fail = (error) => clients.send(session, encodeError(id, error));
	const parsed = parseChannel(body.channel, limits.channelBytes);
	if (!parsed.ok) return fail("badRequest");
	if (open.subscriptions.has(body.channel)) return fail("alreadySubscribed");
	if (clients.countChannels(open) >= limits.channelsPerClient) return fail("limitExceeded");
	const grant = await readGrant(clients, open, body.channel, body.token);
	if (!clients.sessions.has(session)) return;
	if (grant.kind === "error") return fail(grant.error);
	if (grant.kind === "disconnect") return clients.disconnect(session, grant.why);
	const { claims } = grant;
	const { channel } = parsed;
	const who = {
		config: clients.config,
		channel,
		user: open.user,
		operator: claims?.operator === true
	};
	const mayBe = planSubscribe({
		...who,
		granted: true
	});
	if (mayBe !== "allowed") return fail(mayBe);
	const asked = who.operator ? PASS : await clients.ask.subscribe(hookSession(open), {
		channel: channel.name,
		data: body.data
	});
	if (!clients.sessions.has(session)) return;
	if (asked.kind === "error") return fail(asked.error);
	if (asked.kind === "disconnect") return clients.end(session, asked.close);
	const { allow, info, data } = asked.change;
	const granted = claims !== void 0 || allow === true;
	const plan = planSubscribe({
		...who,
		granted
	});
	if (plan !== "allowed") return fail(plan);
	const { flag, tf: filter, ...wishes } = body;
	if (filter !== void 0) {
		if (!(namespaceOf(clients.config, parsed.channel)?.allow_tags_filter === true) || !isMeaningful(filter)) return fail("badRequest");
	}
	const subscription = {
		...planSubscription(clients, open, parsed.channel, claims, body.join_leave === true),
		...filter === void 0 ? {} : { filter },
		...info === void 0 ? {} : { chanInfo: info }
	};
	try {
		const joined = await join(clients, session, {
			channel: parsed.channel,
			user: open.user,
			wishes: {
				...wishes,
				rejectUnrecovered: ((flag ?? 0) & REJECT_UNRECOVERED) !== 0
			},
			subscription
		}, (result, missed) => clients.send(session, encodeSubscribeReply(id, encodeSubscribed(result, missed))), {
			...timeToLive(subscription.expiresAt, Date.now()),
			...data === void 0 ? {} : { data }
		});
		if (joined === "full") fail("limitExceeded");
		if (joined === "unrecovered") fail("unrecoverablePosition");
		if (joined === "joined") clients.announce("join", session, body.channel);
	} catch (error) {
		console.error("a channel could not be reached", error);
		fail("internal");
	}
}
function unsubscribe(clients, session, command) {
	clients.unsubscribe(session, command.body.channel);
	clients.send(session, encodeReply(command.id, "unsubscribe", {}));
}
async function refreshSubscription(clients, session, open, command) {
	const { id, body } = command;
	const fail = (error) => clients.send(session, encodeError(id, error));
	if (!open.subscriptions.has(body.channel)) return fail("permissionDenied");
	if (body.token === void 0 || body.token === "") return fail("badRequest");
	const grant = await readGrant(clients, open, body.channel, body.token);
	if (!clients.sessions.has(session)) return;
	if (grant.kind === "error") return fail(grant.error);
	if (grant.kind === "disconnect") return clients.disconnect(session, grant.why);
	const before = subscriptionsOf(session).get(body.channel);
	if (before === void 0) return fail("permissionDenied");
	const { expiresAt: _old, chanInfo: _info, ...rest } = before;
	const after = {
		...rest,
		...fromClaims(grant.claims)
	};
	if (!clients.rememberSubscription(session, body.channel, after)) return fail("limitExceeded");
	clients.send(session, encodeReply(id, "sub_refresh", timeToLive(after.expiresAt, Date.now())));
}
async function readGrant(clients, open, channel, token) {
	if (token === void 0 || token === "") return {
		kind: "grant",
		claims: void 0
	};
	const verdict = await clients.verifier.subscription(token);
	if (!verdict.ok) {
		if (verdict.reason === "expired") return {
			kind: "error",
			error: "tokenExpired"
		};
		return {
			kind: "error",
			error: verdict.reason === "unavailable" ? "internal" : "permissionDenied"
		};
	}
	const { claims } = verdict;
	const foreignClient = claims.client !== void 0 && claims.client !== "" && claims.client !== open.id;
	if (claims.user !== open.user || claims.channel !== channel || foreignClient) return {
		kind: "disconnect",
		why: "invalidToken"
	};
	if (claims.expiresAt !== void 0 && claims.expiresAt * 1e3 <= Date.now()) return {
		kind: "error",
		error: "expired"
	};
	return {
		kind: "grant",
		claims
	};
}
function planSubscription(clients, open, channel, claims, asked) {
	return {
		...mayJoinLeave({
			config: clients.config,
			channel,
			user: open.user,
			subscribed: true,
			asked,
			operator: claims?.operator === true
		}) ? { joinLeave: true } : {},
		...fromClaims(claims)
	};
}
var fromClaims = (claims) => ({
	...claims?.info === void 0 ? {} : { chanInfo: claims.info },
	...claims?.expiresAt === void 0 ? {} : { expiresAt: claims.expiresAt * 1e3 }
});
// src/shard/commands/dispatch.ts
async function runFrame(clients, remote, session, text) {
	const frame = parseFrame(text);
	if (!frame.ok) return clients.disconnect(session, "badRequest");
	if (session.attachment.state === "opening" && session.attachment.refused && frame.commands.length > 0) return clients.disconnect(session, "badRequest");
	for (const command of frame.commands) {
		if (!clients.sessions.has(session)) return;
		if (!session.commands.take(Date.now())) {
			if (!session.refusals.take(Date.now())) return clients.disconnect(session, "tooManyRequests");
			if (command.id !== 0) clients.send(session, encodeError(command.id, "tooManyRequests"));
			continue;
		}
		await runCommand(clients, remote, session, command);
	}
}
async function runCommand(clients, remote, session, command) {
	if (command.kind === "connect") return connect(clients, session, command);
	const { attachment } = session;
	if (attachment.state === "opening") {
		if (attachment.refused !== true) clients.disconnect(session, "badRequest");
		return;
	}
	return runOpen(clients, remote, session, attachment, command);
}
async function runOpen(clients, remote, session, open, command) {
	switch (command.kind) {
		case "subscribe": return subscribe(clients, session, open, command);
		case "unsubscribe": return unsubscribe(clients, session, command);
		case "publish": return publish(clients, session, open, command);
		case "presence":
		case "presence_stats": return presence(clients, remote, session, open, command);
		case "refresh": return refresh(clients, session, open, command);
		case "sub_refresh": return refreshSubscription(clients, session, open, command);
		case "history": return history(clients, session, open, command);
		case "rpc": return rpc(clients, session, open, command);
		case "send": return clients.disconnect(session, "notAvailable");
	}
}
// src/shard/live.ts
var PULSE_MS = 1e3;
var Live = class {
	#ctx;
	#env;
	#shard;
	#counters;
	#vitals;
	#until = 0;
	#timer = null;
	#pulsedAt = 0;
	constructor(parts) {
		this.#ctx = parts.ctx;
		this.#env = parts.env;
		this.#shard = parts.shard;
		this.#counters = parts.counters;
		this.#vitals = parts.vitals;
	}
	wake(now) {
		const until = this.#ctx.storage.kv.get("watchedUntil") ?? 0;
		if (until <= now) return;
		this.#ctx.waitUntil(sayLive(this.#env, {
			kind: "restarted",
			at: now,
			shard: this.#shard
		}));
		this.#start(until, now);
	}
	watch(until, now) {
		if (until <= Math.max(now, this.#until)) return;
		this.#ctx.storage.kv.put("watchedUntil", until);
		this.#start(until, now);
	}
	#start(until, now) {
		this.#until = until;
		if (this.#timer !== null) return;
		this.#counters.take();
		this.#pulsedAt = now;
		this.#timer = setTimeout(() => this.#pulse(), 0);
	}
	#pulse() {
		const now = Date.now();
		if (now >= this.#until) {
			this.#timer = null;
			this.#ctx.storage.kv.delete("watchedUntil");
			return;
		}
		const pulse = {
			kind: "pulse",
			at: now,
			shard: this.#shard,
			...this.#vitals(),
			intervalMs: Math.max(1, now - this.#pulsedAt),
			...this.#counters.take()
		};
		this.#pulsedAt = now;
		sayLive(this.#env, pulse);
		this.#timer = setTimeout(() => this.#pulse(), PULSE_MS);
	}
};
var Membership = class {
	#storage;
	#name;
	#ring;
	constructor(storage, name) {
		this.#storage = storage;
		this.#name = name;
		const descriptor = storage.kv.get("descriptor");
		if (descriptor !== void 0) this.#ring = buildRing(descriptor);
	}
	get ring() {
		return this.#ring;
	}
	get ringEpoch() {
		return this.#ring?.descriptor.epoch ?? 0;
	}
	get digest() {
		return this.#ring?.digest ?? "";
	}
	get self() {
		return this.#ring?.descriptor.shards.find((shard) => objectName(shard) === this.#name);
	}
	adopt(descriptor) {
		if (descriptor.epoch <= this.ringEpoch) return false;
		this.#store(descriptor);
		return true;
	}
	correct(descriptor) {
		if (descriptor.epoch < this.ringEpoch || digest(descriptor) === this.digest) return false;
		this.#store(descriptor);
		return true;
	}
	#store(descriptor) {
		this.#ring = buildRing(descriptor);
		this.#storage.kv.put("descriptor", descriptor);
	}
};
function mustMove(ring, shardName, session) {
	const limit = session.rank === 0 ? 1 : 3;
	return !ring.owners(session.key, session.clientRegion, limit).some((owner) => objectName(owner) === shardName);
}
function planAdmission(admission) {
	const { ring, route, shardName } = admission;
	if (ring === void 0) return {
		kind: "behind",
		ringEpoch: 0
	};
	const { descriptor } = ring;
	if (route.ringEpoch > descriptor.epoch) return {
		kind: "behind",
		ringEpoch: descriptor.epoch
	};
	const owners = ring.owners(route.key, route.clientRegion, 3);
	const rank = owners.findIndex((owner) => !route.refused.includes(owner.id));
	const first = owners[rank];
	if (first === void 0 || objectName(first) !== shardName) return {
		kind: "misdirected",
		descriptor
	};
	if (admission.sessions >= admission.sessionsMax) return { kind: "full" };
	return {
		kind: "accept",
		rank
	};
}
// src/shard/mover.ts
function planPace(plan) {
	const pace = new Map();
	for (const destination of plan.destinations) {
		const arriving = plan.moves.filter((move) => move.to === destination);
		const total = arriving.reduce((sum, move) => sum + move.slots, 0);
		const ours = arriving.reduce((sum, move) => sum + (move.from === plan.shard ? move.slots : 0), 0);
		const part = total === 0 ? 0 : ours / total * plan.limits.perSecondToOneShard;
		pace.set(destination, Math.max(part, TRICKLE_PER_SECOND));
	}
	return pace;
}
var TRICKLE_PER_SECOND = 5;
function stepMoves(step) {
	const seconds = step.elapsedMs / 1e3;
	let total = Math.min(step.perSecondFromOneShard, step.budget.total + step.perSecondFromOneShard * seconds);
	const byDestination = new Map();
	for (const [destination, pace] of step.pace) {
		const filled = (step.budget.byDestination.get(destination) ?? 0) + pace * seconds;
		byDestination.set(destination, Math.min(Math.max(pace, 1), filled));
	}
	const now = [];
	const later = [];
	for (const one of step.leaving) {
		const room = byDestination.get(one.destination) ?? 0;
		if (total < 1 || room < 1 || !step.ready(one.item)) {
			later.push(one);
			continue;
		}
		total -= 1;
		byDestination.set(one.destination, room - 1);
		now.push(one.item);
	}
	return {
		now,
		later,
		budget: {
			total,
			byDestination
		}
	};
}
// src/shard/migration.ts
var TICK_MS = 100;
var Migration = class {
	#clients;
	#membership;
	#onDone;
	#run;
	#finished;
	constructor(clients, membership, onDone) {
		this.#clients = clients;
		this.#membership = membership;
		this.#onDone = onDone;
	}
	get running() {
		return this.#run !== void 0;
	}
	start(before) {
		const ring = this.#membership.ring;
		if (ring === void 0 || this.#run?.ring === ring) return;
		const superseded = this.#run;
		if (superseded !== void 0) {
			if (superseded.timer !== null) clearTimeout(superseded.timer);
			this.#onDone({
				ringEpoch: superseded.ring.descriptor.epoch,
				moved: superseded.moved
			});
		}
		const leaving = this.#leaving(ring);
		if (leaving.length === 0 && this.#finished === ring) return;
		const now = Date.now();
		this.#run = {
			ring,
			leaving,
			pace: this.#pace(before, ring, leaving),
			budget: {
				total: 0,
				byDestination: new Map()
			},
			startedAt: now,
			tickedAt: now - TICK_MS,
			moved: 0,
			timer: null
		};
		this.#tick(this.#run);
	}
	#leaving(ring) {
		const leaving = [];
		for (const session of this.#clients.sessions) {
			const { attachment } = session;
			if (!mustMove(ring, this.#clients.shard.name, attachment)) continue;
			const destination = ring.owner(attachment.key, attachment.clientRegion)?.id ?? "";
			leaving.push({
				item: session,
				destination
			});
		}
		return shuffle(leaving);
	}
	#pace(before, ring, leaving) {
		const { moves } = this.#clients.config.cluster;
		const destinations = new Set(leaving.map(({ destination }) => destination));
		if (leaving.length === 0) return new Map();
		return planPace({
			shard: this.#clients.shard.name.slice(this.#clients.shard.region.length + 1),
			destinations,
			moves: before === void 0 ? [] : diff(before, ring).moves,
			limits: moves
		});
	}
	#tick(run) {
		const { moves } = this.#clients.config.cluster;
		const now = Date.now();
		const outOfPatience = now - run.startedAt > moves.busyWaitMs;
		const step = stepMoves({
			leaving: run.leaving.filter(({ item }) => this.#clients.sessions.has(item)),
			ready: (session) => session.busy === 0 || outOfPatience,
			pace: run.pace,
			perSecondFromOneShard: moves.perSecondFromOneShard,
			budget: run.budget,
			elapsedMs: (now - run.tickedAt) * (.75 + Math.random() / 4)
		});
		for (const session of step.now) {
			const reason = `moved, epoch ${run.ring.descriptor.epoch}`;
			this.#clients.disconnect(session, "moved", {
				reason,
				moving: true
			});
		}
		run.moved += step.now.length;
		run.leaving = step.later;
		run.budget = step.budget;
		run.tickedAt = now;
		if (run.leaving.length > 0) {
			run.timer = setTimeout(() => this.#tick(run), TICK_MS);
			return;
		}
		this.#run = void 0;
		this.#finished = run.ring;
		this.#onDone({
			ringEpoch: run.ring.descriptor.epoch,
			moved: run.moved
		});
	}
};
function shuffle(items) {
	return items.map((item) => ({
		item,
		order: Math.random()
	})).toSorted((a, b) => a.order - b.order).map(({ item }) => item);
}
// src/shard/sweep.ts
function nextDeadline(session, times, now) {
	const { attachment } = session;
	if (attachment.state === "opening") return Math.max(attachment.openedAt, session.busy > 0 ? now : 0) + times.staleConnectionMs;
	let next = attachment.expiresAt;
	for (const { expiresAt } of attachment.subscriptions.values()) if (expiresAt !== void 0 && (next === void 0 || expiresAt < next)) next = expiresAt;
	return next === void 0 ? void 0 : next + times.expiredGraceMs;
}
function sweep(clients, now) {
	const { times } = clients.config.cluster;
	let next;
	for (const session of clients.sessions) {
		const deadline = nextDeadline(session, times, now);
		if (deadline === void 0) continue;
		if (deadline <= now) sweepOne(clients, session, now);
		if (!clients.sessions.has(session)) continue;
		const after = nextDeadline(session, times, now);
		if (after !== void 0 && (next === void 0 || after < next)) next = after;
	}
	return next;
}
function sweepOne(clients, session, now) {
	const { attachment } = session;
	const { expiredGraceMs } = clients.config.cluster.times;
	if (attachment.state === "opening") return clients.disconnect(session, "stale");
	if (attachment.expiresAt !== void 0 && attachment.expiresAt + expiredGraceMs <= now) return clients.disconnect(session, "expired");
	for (const [channel, { expiresAt, byServer }] of subscriptionsOf(session)) {
		if (expiresAt === void 0 || expiresAt + expiredGraceMs > now) continue;
		if (byServer === true) return clients.disconnect(session, "subscriptionExpired");
		clients.unsubscribe(session, channel);
		clients.send(session, encodeUnsubscribe(channel, "expired"));
	}
}
function pingAll(clients, now, previousPingAt, pingFrame) {
	const patient = now - previousPingAt > clients.config.cluster.times.pongTimeoutMs;
	for (const session of clients.sessions) {
		if (session.attachment.state !== "open") continue;
		if (patient && clients.seenAt(session) < previousPingAt) clients.disconnect(session, "noPong");
		else clients.send(session, pingFrame);
	}
}
// src/shard/shard.ts
var COORDINATOR_WAIT_MS = 3e3;
var MIGRATION_CHECK_MS = 5e3;
var REPORT_RETRY_MS = 5e3;
var Shard = class extends DurableObject {
	static hooks = {};
	#config;
	#id;
	#clients;
	#membership;
	#migration;
	#timetable;
	#live;
	#remotePresence = new RemotePresence();
	#wokeAt = Date.now();
	#awake = false;
	#ringBefore;
	#upgrades;
	constructor(ctx, env) {
		super(ctx, env);
		const { hooks } = new.target;
		const name = ctx.id.name ?? "";
		const region = name.slice(0, name.indexOf("/"));
		if (region === "") throw new Error("a shard is addressed by its region and id");
		this.#config = configOf(env);
		this.#id = name.slice(region.length + 1);
		this.#timetable = new Timetable(ctx.storage);
		this.#membership = new Membership(ctx.storage, name);
		this.#clients = new Clients({
			ctx,
			env,
			hooks,
			timetable: this.#timetable,
			config: this.#config,
			shard: {
				name,
				region
			},
			verifier: acceptOperator(createVerifier({
				tokens: this.#config.cluster.tokens,
				hmacSecret: env.TOKEN_HMAC_SECRET
			}), env.API_KEY)
		});
		this.#live = new Live({
			ctx,
			env,
			shard: this.#id,
			counters: this.#clients.counters,
			vitals: () => ({
				ringEpoch: this.#membership.ringEpoch,
				sessions: this.#clients.sessions.size,
				subscriptions: this.#clients.hub.subscriptions,
				channels: this.#clients.hub.size
			})
		});
		this.#migration = new Migration(this.#clients, this.#membership, (done) => this.#moved(done));
		const { upgradeBurst, upgradesPerSecond } = this.#config.cluster.limits;
		this.#upgrades = new TokenBucket({
			burst: upgradeBurst,
			perSecond: upgradesPerSecond
		}, Date.now());
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("{}", PONG_ABSORBER));
	}
	async fetch(request) {
		this.#wake();
		const header = request.headers.get(ROUTE_HEADER);
		if (header === null) return new Response("only the router connects to a shard", { status: 400 });
		const route = decodeRoute(header);
		await this.#settleDescriptor(route);
		const admission = planAdmission({
			ring: this.#membership.ring,
			shardName: this.#clients.shard.name,
			route,
			sessions: this.#clients.sessions.size,
			sessionsMax: this.#config.cluster.limits.sessionsPerShard
		});
		if (admission.kind === "full") this.#rememberSpill();
		if (admission.kind !== "accept") return refuse(admission);
		if (!this.#upgrades.take(Date.now())) return refuse({
			kind: "busy",
			retryAfterSeconds: 2
		});
		return this.#accept(request, route, admission.rank);
	}
	async webSocketMessage(socket, message) {
		this.#wake();
		const session = this.#clients.sessions.get(socket);
		if (session === void 0) return;
		session.lastFrameAt = Date.now();
		this.#clients.counters.add("frames");
		if (typeof message !== "string") return this.#clients.disconnect(session, "badRequest");
		if (longerThan(message, this.#config.cluster.limits.frameBytes)) return this.#clients.disconnect(session, "messageTooBig");
		await this.#clients.inOrder(session, () => runFrame(this.#clients, this.#remotePresence, session, message));
		await this.#armSweep(session);
	}
	webSocketClose(socket, code, reason) {
		this.#wake(socket);
		this.#clients.lost(socket, {
			code,
			reason
		});
		if (code === 1006) return;
		socket.close(code === 1005 || code === 1015 ? 1e3 : code, reason);
	}
	webSocketError(socket) {
		this.#wake(socket);
		this.#clients.lost(socket, {
			code: 1006,
			reason: ""
		});
		socket.serializeAttachment({
			state: "closing",
			id: ""
		});
		try {
			socket.close(DISCONNECTS.messageTooBig.code, DISCONNECTS.messageTooBig.reason);
		} catch {}
	}
	async alarm() {
		this.#wake();
		await this.#timetable.run(Date.now(), (duty, dueAt) => this.#run(duty, dueAt));
	}
	async adopt(descriptor, heard) {
		this.#wake();
		const { broadcast } = this.#config.cluster;
		if (heard !== void 0 && broadcast.enabled) this.#clients.hub.seed(broadcast.channel, heard);
		const before = this.#membership.ring;
		if (this.#membership.adopt(descriptor)) await this.#planMoves(before);
	}
	predict(descriptor) {
		this.#wake();
		const ring = buildRing(descriptor);
		const to = {};
		let sessions = 0;
		for (const { attachment } of this.#clients.sessions) {
			if (!mustMove(ring, this.#clients.shard.name, attachment)) continue;
			const owner = ring.owner(attachment.key, attachment.clientRegion)?.id ?? "";
			to[owner] = (to[owner] ?? 0) + 1;
			sessions += 1;
		}
		return {
			sessions,
			to
		};
	}
	status() {
		this.#wake();
		const { hub, sessions } = this.#clients;
		return {
			sessions: sessions.size,
			users: sessions.users,
			channels: hub.size,
			subscriptions: hub.channels().reduce((sum, [, listeners]) => sum + listeners, 0),
			wokeAt: this.#wokeAt,
			ringEpoch: this.#membership.ringEpoch,
			digest: this.#membership.digest
		};
	}
	watch(until) {
		this.#wake();
		this.#live.watch(until, Date.now());
	}
	deliver(delivery) {
		this.#wake();
		return this.#clients.hub.deliver(delivery);
	}
	attends(channel) {
		this.#wake();
		return this.#clients.hub.attends(channel);
	}
	presenceHere(channel) {
		this.#wake();
		return this.#clients.presenceHere(channel);
	}
	channelsHere(pattern, limit) {
		this.#wake();
		const matches = (name) => pattern === "" || fits(pattern, name);
		const channels = this.#clients.hub.channels().filter(([name]) => matches(name));
		return Object.fromEntries(channels.slice(0, limit));
	}
	sessionsOf(user) {
		this.#wake();
		return this.#clients.sessions.ofUser(user).map((session) => ({
			client: session.attachment.id,
			user,
			key: session.attachment.key,
			shard: this.#id,
			connectedAt: session.attachment.openedAt,
			channels: [...subscriptionsOf(session).keys()].filter((name) => !isBroadcast(this.#config, name))
		}));
	}
	async carryOut(order, target) {
		this.#wake();
		if (order.kind === "deliver") {
			const { registration = 0, mayRepeat = true } = target;
			const { kind, sessions } = await this.#clients.hub.deliver({
				...order.delivery,
				registration,
				mayRepeat
			});
			return {
				sessions,
				noListeners: kind === "noListeners",
				users: new Map()
			};
		}
		const done = await act(this.#clients, order.action);
		for (const user of done.users.keys()) for (const session of this.#clients.sessions.ofUser(user)) await this.#armSweep(session);
		return done;
	}
	async sendOwned(message) {
		this.#wake();
		const spilled = this.ctx.storage.kv.get("spilled") === true;
		const known = this.#membership.ring?.descriptor;
		if (known !== void 0 && known.epoch > message.ringEpoch) return {
			newer: known,
			done: null,
			spilled
		};
		const { users, frame } = message;
		return {
			newer: null,
			done: await act(this.#clients, {
				kind: "send",
				users,
				frame
			}),
			spilled
		};
	}
	relay(branch) {
		const { order, targets, waitMs } = branch;
		return Promise.all(targets.map((target) => target.name === this.#clients.shard.name ? timed(target, () => this.carryOut(order, target)) : callOne(this.env, {
			order,
			target,
			waitMs
		})));
	}
	crash() {
		this.ctx.abort("crashed by the operator");
	}
	#wake(...closing) {
		if (this.#awake) return;
		this.#awake = true;
		this.#clients.wake(closing);
		this.#live.wake(Date.now());
	}
	#accept(request, route, rank) {
		const { 0: client, 1: server } = new WebSocketPair();
		const opening = {
			state: "opening",
			id: crypto.randomUUID(),
			openedAt: Date.now(),
			key: route.key,
			clientRegion: route.clientRegion,
			rank,
			...route.token === void 0 ? {} : { token: route.token },
			...route.identity === void 0 ? {} : { identity: route.identity }
		};
		this.ctx.acceptWebSocket(server);
		server.serializeAttachment(opening);
		const session = newSession(server, opening, this.#config.cluster.limits);
		this.#clients.sessions.add(session);
		const { times } = this.#config.cluster;
		this.ctx.waitUntil(this.#timetable.arm("ping", opening.openedAt + times.pingIntervalMs));
		this.ctx.waitUntil(this.#armSweep(session));
		const offered = request.headers.get("sec-websocket-protocol")?.split(",").map((one) => one.trim());
		const headers = new Headers();
		if (offered?.includes("centrifuge-json") === true) headers.set("sec-websocket-protocol", "centrifuge-json");
		return new Response(null, {
			status: 101,
			webSocket: client,
			headers
		});
	}
	async #settleDescriptor(route) {
		const known = this.#membership.ring;
		const twins = known !== void 0 && known.descriptor.epoch === route.ringEpoch;
		if (known !== void 0 && !(twins && known.digest !== route.digest)) return;
		try {
			await this.#heed(await within(COORDINATOR_WAIT_MS, coordinatorStub(this.env).descriptor()));
		} catch (error) {
			console.error("the coordinator could not be asked for the descriptor", error);
		}
	}
	async #heed(descriptor) {
		const before = this.#membership.ring;
		if (this.#membership.correct(descriptor)) await this.#planMoves(before);
	}
	async #planMoves(before) {
		this.#ringBefore = before;
		await this.#timetable.arm("moves", Date.now());
	}
	#rememberSpill() {
		if (this.ctx.storage.kv.get("spilled") !== true) this.ctx.storage.kv.put("spilled", true);
	}
	async #armSweep(session) {
		if (!this.#clients.sessions.has(session)) return;
		const deadline = nextDeadline(session, this.#config.cluster.times, Date.now());
		if (deadline !== void 0) await this.#timetable.arm("sweep", deadline);
	}
	async #run(duty, dueAt) {
		const now = Date.now();
		switch (duty) {
			case "ping": return this.#ping(now, dueAt);
			case "sweep": return sweep(this.#clients, now);
			case "moves":
				this.#migration.start(this.#ringBefore);
				return this.#migration.running ? now + MIGRATION_CHECK_MS : void 0;
			case "report": return this.#report(now);
			case "events":
			case "vacancies": return this.#clients.chronicle.run(duty, now);
		}
	}
	#ping(now, dueAt) {
		const { pingIntervalMs, healthReportMs } = this.#config.cluster.times;
		pingAll(this.#clients, now, dueAt - pingIntervalMs, "{}");
		const last = this.ctx.storage.kv.get("reported");
		if (JSON.stringify(last?.status) !== JSON.stringify(this.status()) && now - (last?.at ?? 0) >= healthReportMs) this.ctx.waitUntil(this.#timetable.arm("report", now));
		return this.#clients.sessions.size === 0 ? void 0 : now + pingIntervalMs;
	}
	#moved(done) {
		const reports = this.ctx.storage.kv.get("moves") ?? [];
		this.ctx.storage.kv.put("moves", [...reports, {
			shard: this.#id,
			...done
		}]);
		this.ctx.waitUntil(this.#timetable.arm("report", Date.now()));
	}
	async #report(now) {
		const moves = this.ctx.storage.kv.get("moves") ?? [];
		const status = this.status();
		try {
			const { descriptor } = await within(COORDINATOR_WAIT_MS, coordinatorStub(this.env).report({
				shard: this.#clients.shard,
				status,
				moves
			}));
			this.ctx.storage.kv.put("reported", {
				at: now,
				status
			});
			const since = this.ctx.storage.kv.get("moves") ?? [];
			this.ctx.storage.kv.put("moves", since.slice(moves.length));
			if (descriptor !== null) await this.#heed(descriptor);
			if (this.#membership.self?.state === "draining" && this.#clients.sessions.size === 0 && !this.#migration.running) await within(COORDINATOR_WAIT_MS, coordinatorStub(this.env).drained(this.#id));
			return since.length > moves.length ? now : void 0;
		} catch (error) {
			console.error("the coordinator could not be told", error);
			return now + REPORT_RETRY_MS;
		}
	}
};
function refuse(refusal) {
	const headers = new Headers();
	if (refusal.kind === "busy") headers.set("retry-after", String(refusal.retryAfterSeconds));
	return Response.json(refusal, {
		status: REFUSAL_STATUS[refusal.kind],
		headers
	});
}
function longerThan(text, limit) {
	if (text.length > limit) return true;
	if (text.length * 3 <= limit) return false;
	return new TextEncoder().encode(text).byteLength > limit;
}
// test/sim/release.ts
var classesWith = (hooks) => ({
	Shard: class extends Shard {
		static hooks = hooks;
	},
	Channel: class extends Channel {
		static hooks = hooks;
	},
	Coordinator: class extends Coordinator {
		static hooks = hooks;
	}
});
var Router = class {
	#env;
	#cache;
	constructor(env) {
		this.#env = env;
		this.#cache = new RingCache(configuredDescriptor(configOf(env)));
	}
	connect(key) {
		return forward({
			env: this.#env,
			request: new Request("http://ringcast.test/connection/websocket"),
			cache: this.#cache,
			key,
			clientRegion: "auto"
		});
	}
	publish(params) {
		return publish$1({
			env: this.#env,
			config: configOf(this.#env),
			cache: this.#cache
		}, params);
	}
};
export { Router, classesWith };
