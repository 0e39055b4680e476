// Release 0.2.0 of Ringcast, as the simulator runs it beside the present code (test/sim/releases.ts).
// Made from src at b291ae3 by scripts/keep-release.mjs. Not edited by hand.
import { z } from "zod";
import pRetry from "p-retry";
import { createDelta } from "fossil-delta";
import { DurableObject } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { base64url, createRemoteJWKSet, errors, importSPKI, jwtVerify } from "jose";
// src/policy/tags-filter.ts
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
// src/centrifuge/command.ts
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
// src/contracts/address.ts
var FIRST_FRONT = "centrifuge";
var shardAddress = (front, { id, region }) => ({
	front,
	name: objectName({
		id,
		region
	}),
	region,
	id
});
var readAddress = ({ name, front = FIRST_FRONT }) => ({
	front,
	name,
	...shardOfObject(name)
});
function addressOfObject(front, name) {
	if (name === void 0 || !/^[^/]+\/./.test(name)) throw new Error("a shard is addressed by its region and id");
	return readAddress({
		name,
		region: shardOfObject(name).region,
		front
	});
}
function shardOfObject(name) {
	const at = name.indexOf("/");
	return {
		region: name.slice(0, at),
		id: name.slice(at + 1)
	};
}
function objectName(shard) {
	return `${shard.region}/${shard.id}`;
}
var addressKey = ({ front, name }) => front === "centrifuge" ? name : `${front}:${name}`;
// src/platform/fronts.ts
var PREFIX = "SHARD_";
function frontsOf(env) {
	return [FIRST_FRONT, ...Object.keys(env).filter((name) => name.startsWith(PREFIX) && isNamespace(Reflect.get(env, name))).map((name) => name.slice(6).toLowerCase())];
}
var isNamespace = (binding) => typeof binding === "object" && binding !== null && "getByName" in binding;
function namespaceOfFront(env, front) {
	const name = `${PREFIX}${front.toUpperCase()}`;
	const namespace = env[name];
	if (namespace === void 0) throw new Error(`there is no binding ${name} for the front ${front}`);
	return namespace;
}
// src/platform/calls.ts
function shardStub(env, shard) {
	const { front = FIRST_FRONT, name, region } = shard;
	return (front === "centrifuge" ? env.SHARD : namespaceOfFront(env, front)).getByName(name, region === "auto" ? {} : { locationHint: region });
}
var channelStub = (env, channel) => env.CHANNEL.getByName(channel);
var coordinatorStub = (env) => env.COORDINATOR.getByName("coordinator");
var homeStub = (env, home) => home.kind === "coordinator" ? coordinatorStub(env) : channelStub(env, home.channel);
var CALL_RETRY_MS = 4e3;
var isOverloaded = (error) => error instanceof Error && "overloaded" in error && error.overloaded === true;
function callAgain(call, forMs = CALL_RETRY_MS) {
	return pRetry(call, {
		retries: 20,
		minTimeout: 50,
		maxTimeout: 1e3,
		factor: 2,
		randomize: true,
		maxRetryTime: forMs,
		shouldRetry: ({ error }) => !isOverloaded(error)
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
// src/platform/logger.ts
function logError(message, fields) {
	console.error(entryOf(message, fields));
}
function logWarning(message, fields) {
	console.warn(entryOf(message, fields));
}
function describe$1(error) {
	if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`;
	if (typeof error === "string") return error;
	try {
		return JSON.stringify(error);
	} catch {
		return "an error that cannot be written";
	}
}
function entryOf(message, { error, ...fields }) {
	if (error === void 0) return {
		...fields,
		message
	};
	return {
		...fields,
		message,
		error: describe$1(error)
	};
}
// src/hooks/ask.ts
var PASS = {
	kind: "pass",
	change: {}
};
var HOOK_FAILED = {
	code: 100,
	message: "internal server error",
	temporary: true
};
async function ask$1(name, hook, by) {
	try {
		const answer = by.answers.safeParse(await within(by.timeoutMs, Promise.resolve().then(() => hook())));
		if (!answer.success) throw new Error(`the answer of the hook is not allowed: ${z.prettifyError(answer.error)}`);
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
		logError("a hook failed", {
			hook: name,
			error
		});
		return {
			kind: "error",
			error: HOOK_FAILED
		};
	}
}
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
// src/config/count.ts
var count = (least, most) => z.number().int().min(least).max(most);
// src/config/limits.ts
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
// src/config/shards.ts
var shardsSchema = z.strictObject({
	initial: count(1, 64).default(4),
	initialWeight: count(1, 64).default(16),
	max: count(1, 1e3).default(64),
	defaultRegion: regionSchema.default("auto"),
	seed: count(0, 4294967295).default(0)
}).prefault({});
// src/config/times.ts
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
// src/config/tokens.ts
var tokensSchema = z.strictObject({
	rsaPublicKey: z.string().optional(),
	ecdsaPublicKey: z.string().optional(),
	ed25519PublicKey: z.string().optional(),
	jwksUrl: z.url().optional(),
	audience: z.string().optional(),
	issuer: z.string().optional(),
	userIdClaim: z.string().default("sub")
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
// src/config/cluster.ts
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
var movesSchema = z.strictObject({
	perSecondToOneShard: count(1, 1e4).default(300),
	perSecondFromOneShard: count(1, 1e4).default(100),
	busyWaitMs: count(0, 3e4).default(3e3)
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
// src/config/namespace.ts
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
// src/config/config.ts
var RESERVED_NAMESPACE = "ringcast";
var ConfigError = class extends Error {
	name = "ConfigError";
};
var NAMESPACE_PREFIX = "RINGCAST_NS_";
function parseConfig(variables) {
	const cluster = check("RINGCAST", clusterSchema, merge(readTable("RINGCAST", variables["RINGCAST"]), readTable("RINGCAST_OVERRIDES", variables["RINGCAST_OVERRIDES"])));
	if (cluster.webhook !== void 0 && !isSecret(variables["WEBHOOK_SECRET"])) throw new ConfigError("WEBHOOK_SECRET: a webhook needs this secret as base64 text of 24 to 64 bytes, with or without \"whsec_\" before it");
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
// src/policy/channels.ts
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
function namespaceOf(config, channel) {
	if (isBroadcast(config, channel.name)) return config.broadcast;
	return channel.namespace === void 0 ? config.defaultNamespace : config.namespaces.get(channel.namespace);
}
var isBroadcast = ({ cluster }, channel) => cluster.broadcast.enabled && channel === cluster.broadcast.channel;
var homeOf = (config, channel) => isBroadcast(config, channel) ? { kind: "coordinator" } : {
	kind: "channel",
	channel
};
var isReserved = (config, channel) => channel.namespace === "ringcast" || isBroadcast(config, channel.name);
// src/contracts/live.ts
var LIVE_CHANNEL = "ringcast:live";
// src/policy/permissions.ts
function planSubscribe(asked) {
	const { config, channel, user } = asked;
	if (channel.name === "ringcast:live" && asked.operator === true) return "allowed";
	const namespace = namespaceOf(config, channel);
	if (isReserved(asked.config, asked.channel)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (asked.granted) return "allowed";
	if (config.cluster.insecure) return "allowed";
	if (channel.isPrivate) return "permissionDenied";
	if (channel.users !== void 0 && namespace.allow_user_limited_channels) return user !== "" && channel.users.includes(user) ? "allowed" : "permissionDenied";
	return namespace.allow_subscribe_for_client && (user !== "" || namespace.allow_subscribe_for_anonymous) ? "allowed" : "permissionDenied";
}
function mayPublish(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (isReserved(asked.config, asked.channel)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (asked.granted) return "allowed";
	const granted = namespace.allow_publish_for_client || namespace.allow_publish_for_subscriber && asked.subscribed;
	return decide({
		...asked,
		granted: granted && (asked.user !== "" || namespace.allow_publish_for_anonymous)
	});
}
function mayPresence(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (isReserved(asked.config, asked.channel)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (!namespace.presence) return "notAvailable";
	const granted = namespace.allow_presence_for_client || namespace.allow_presence_for_subscriber && asked.subscribed;
	return decide({
		...asked,
		granted: granted && (asked.user !== "" || namespace.allow_presence_for_anonymous)
	});
}
function mayHistory(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (isReserved(asked.config, asked.channel)) return "permissionDenied";
	if (namespace === void 0) return "unknownChannel";
	if (!keepsHistory(namespace)) return "notAvailable";
	const granted = namespace.allow_history_for_client || namespace.allow_history_for_subscriber && asked.subscribed;
	return decide({
		...asked,
		granted: granted && (asked.user !== "" || namespace.allow_history_for_anonymous)
	});
}
function mayJoinLeave(asked) {
	const namespace = namespaceOf(asked.config, asked.channel);
	if (namespace?.join_leave !== true) return false;
	const permitted = asked.operator === true || mayPresence(asked) === "allowed";
	return namespace.force_push_join_leave || asked.asked && permitted;
}
var decide = ({ config, granted }) => granted || config.cluster.insecure ? "allowed" : "permissionDenied";
// src/shard/connections/identify.ts
var ANONYMOUS = {
	user: "",
	channels: [],
	subs: {}
};
var isOperator = ({ operator, user }) => operator === true && user === "";
async function identify(opening, sentToken, by) {
	const { anonymous, insecure, affinity } = by.cluster;
	const token = sentToken === void 0 || sentToken === "" ? opening.token : sentToken;
	const { identity } = opening;
	let claims = ANONYMOUS;
	if (identity !== void 0) {
		const shown = token === void 0 ? void 0 : await by.verifier.connection(token);
		if (shown?.ok === true && shown.claims.operator === true) claims = shown.claims;
		else if (identity.kind === "user") claims = claimsOf(identity);
		else return identity;
	} else if (token !== void 0) {
		const verdict = await by.verifier.connection(token);
		if (!verdict.ok) return {
			kind: "refused",
			why: REFUSED[verdict.reason]
		};
		claims = verdict.claims;
	} else if (!anonymous && !insecure) return {
		kind: "refused",
		why: "noToken"
	};
	if (affinity.userIsKey && !isOperator(claims) && claims.user !== opening.key) return {
		kind: "refused",
		why: "foreignKey"
	};
	return {
		kind: "known",
		claims
	};
}
var REFUSED = {
	expired: "tokenExpired",
	invalid: "invalidToken",
	unavailable: "unavailable"
};
var claimsOf = ({ user, info, expiresAt }) => ({
	...ANONYMOUS,
	user,
	...info === void 0 ? {} : { info },
	...expiresAt === void 0 ? {} : { expiresAt: expiresAt / 1e3 }
});
// src/shard/connections/session.ts
var hookSession = ({ id, user, key, connInfo }) => ({
	client: id,
	user,
	key,
	info: connInfo
});
var NONE = new Map();
var subscriptionsOf = (session) => session.attachment.state === "open" ? session.attachment.subscriptions : NONE;
var PROTOCOL_VERSION = `ringcast 0.2.0`;
// src/centrifuge/codes.ts
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
// src/centrifuge/delta.ts
var DeltaEncoder = class {
	#encoded = new Map();
	#parsed = new Map();
	constructor(publications, previous) {
		for (const { offset, body } of previous === void 0 ? publications : [previous, ...publications]) {
			const { data, ...rest } = JSON.parse(body);
			this.#parsed.set(offset, {
				offset,
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
// src/centrifuge/frames.ts
var DeltaBases = class {
	#bySession = new WeakMap();
	of(session) {
		const known = this.#bySession.get(session);
		if (known !== void 0) return known;
		const bases = new Map();
		this.#bySession.set(session, bases);
		return bases;
	}
};
var encodeKept = ({ body, offset }) => `${body.slice(0, -1)},"offset":${offset}}`;
var batchEncoder = (bases) => (batch) => new Frames(batch, bases);
var Frames = class {
	#batch;
	#bases;
	#channelJson;
	#firstOffset;
	#tags = new Map();
	#lines;
	#everything;
	#publications;
	#deltas;
	constructor(batch, bases) {
		this.#batch = batch;
		this.#bases = bases;
		this.#channelJson = JSON.stringify(batch.channel);
		this.#firstOffset = batch.events.find((event) => event.kind === "pub")?.offset ?? Infinity;
	}
	frameFor(session, subscription) {
		const { durable, events } = this.#batch;
		const { delta, filter, joinLeave, since } = subscription;
		const beginsWithin = durable && since !== void 0 && since >= this.#firstOffset;
		if ((delta !== true || !durable) && filter === void 0 && !beginsWithin) {
			if (joinLeave === true) return this.#everything ??= this.#join(() => true);
			return this.#publications ??= this.#join(({ kind }) => kind === "pub" || kind === "passing");
		}
		const wants = (event) => {
			if (event.kind === "join" || event.kind === "leave") return joinLeave === true;
			if (event.kind === "pub" && beginsWithin && event.offset <= since) return false;
			return this.#passes(event, filter);
		};
		if (delta !== true || !durable) return this.#join(wants);
		const bases = this.#bases.of(session);
		return events.filter(wants).map((event) => this.#lineWithDelta(event, bases)).join("\n");
	}
	missedBy(session, subscription) {
		const missed = this.#batch.events.filter((event) => event.kind === "pub" && this.#passes(event, subscription.filter));
		if (subscription.delta !== true) return missed.map(encodeKept);
		const bases = this.#bases.of(session);
		bases.delete(this.#batch.channel);
		return missed.map((publication) => this.#patch(publication, bases));
	}
	#join(wants) {
		this.#lines ??= this.#batch.events.map((event) => this.#encode(event));
		return this.#lines.filter((_, n) => wants(this.#batch.events[n])).join("\n");
	}
	#encode(event) {
		const field = event.kind === "passing" ? "pub" : event.kind;
		const text = event.kind === "pub" && this.#batch.durable ? encodeKept(event) : event.body;
		return `{"push":{"channel":${this.#channelJson},"${field}":${text}}}`;
	}
	#passes(event, filter) {
		if (filter === void 0) return true;
		let tags = this.#tags.get(event);
		if (tags === void 0) {
			tags = JSON.parse(event.body).tags ?? {};
			this.#tags.set(event, tags);
		}
		return matches(filter, tags);
	}
	#lineWithDelta(event, bases) {
		if (event.kind === "join" || event.kind === "leave") return this.#encode(event);
		let publication;
		if (event.kind === "pub") publication = this.#patch(event, bases);
		else {
			publication = encodeWhole(event.body);
			bases.delete(this.#batch.channel);
		}
		return `{"push":{"channel":${this.#channelJson},"pub":${publication}}}`;
	}
	#patch(publication, bases) {
		const { channel, events, previous } = this.#batch;
		this.#deltas ??= new DeltaEncoder(events.filter((event) => event.kind === "pub"), previous);
		const text = this.#deltas.encode(publication.offset, bases.get(channel));
		bases.set(channel, publication.offset);
		return text;
	}
};
// src/centrifuge/reply.ts
var PONG_ABSORBER = "{\"push\":{\"channel\":\"\"}}";
function encodeSubscribed(result, missed) {
	const fields = JSON.stringify(result);
	if (missed.length === 0) return fields;
	const publications = `"publications":[${missed.join(",")}]`;
	return fields === "{}" ? `{${publications}}` : `${fields.slice(0, -1)},${publications}}`;
}
var encodeMessage = (data) => `{"push":{"message":{"data":${data}}}}`;
function encodeConnected(id, result, subs) {
	const fields = JSON.stringify(result);
	const entries = [...subs].map(([channel, text]) => `${JSON.stringify(channel)}:${text}`);
	return `{"id":${id},"connect":${entries.length === 0 ? fields : `${fields.slice(0, -1)},"subs":{${entries.join(",")}}}`}}`;
}
var encodeSubscribeReply = (id, text) => `{"id":${id},"subscribe":${text}}`;
function encodeHistory(id, history) {
	return `{"id":${id},"history":{"publications":[${history.publications.map(encodeKept).join(",")}],"epoch":${JSON.stringify(history.logEpoch)},"offset":${history.top}}}`;
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
// src/centrifuge/context.ts
function disconnect$1({ connections }, session, why) {
	connections.close(session, DISCONNECTS[why]);
}
function fail$1({ connections }, session, { id, error }) {
	connections.send(session, encodeError(id, error));
}
// src/centrifuge/commands/time-to-live.ts
function timeToLive(expiresAt, now) {
	if (expiresAt === void 0) return {};
	return {
		expires: true,
		ttl: Math.max(1, Math.ceil((expiresAt - now) / 1e3))
	};
}
// src/centrifuge/commands/subscribe.ts
var REJECT_UNRECOVERED = 2;
async function subscribe$1(context, client, { id, body }) {
	const { asker, config, connections, subscriptions, wire } = context;
	const { session, open } = client;
	const { limits } = config.cluster;
	const refuse = (error) => fail$1(context, session, {
		id,
		error
	});
	const parsed = parseChannel(body.channel, limits.channelBytes);
	if (!parsed.ok) return refuse("badRequest");
	const { channel } = parsed;
	if (open.subscriptions.has(channel.name)) return refuse("alreadySubscribed");
	if (subscriptions.count(open) >= limits.channelsPerClient) return refuse("limitExceeded");
	const grant = await readGrant(context, client, channel.name, body.token);
	if (session.ended) return;
	if (grant.kind === "error") return refuse(grant.error);
	if (grant.kind === "disconnect") return disconnect$1(context, session, grant.why);
	const { claims } = grant;
	const asking = {
		config,
		channel,
		user: open.user,
		operator: claims?.operator === true
	};
	const mayBe = planSubscribe({
		...asking,
		granted: true
	});
	if (mayBe !== "allowed") return refuse(mayBe);
	const asked = asking.operator ? PASS : await asker.subscribe(hookSession(open), {
		channel: channel.name,
		data: body.data
	});
	if (session.ended) return;
	if (asked.kind === "error") return refuse(asked.error);
	if (asked.kind === "disconnect") return connections.close(session, asked.close);
	const { allow, info, data } = asked.change;
	const permission = planSubscribe({
		...asking,
		granted: claims !== void 0 || allow === true
	});
	if (permission !== "allowed") return refuse(permission);
	const { tf: filter } = body;
	const mayFilter = namespaceOf(config, channel)?.allow_tags_filter === true;
	if (filter !== void 0 && !(mayFilter && isMeaningful(filter))) return refuse("badRequest");
	const asksJoinLeave = body.join_leave === true;
	const subscription = {
		...mayJoinLeave({
			...asking,
			subscribed: true,
			asked: asksJoinLeave
		}) ? { joinLeave: true } : {},
		...fromClaims(claims),
		...filter === void 0 ? {} : { filter },
		...info === void 0 ? {} : { chanInfo: info }
	};
	const fields = {
		...timeToLive(subscription.expiresAt, Date.now()),
		...data === void 0 ? {} : { data }
	};
	const request = {
		channel,
		user: open.user,
		wishes: wishesOf(body),
		subscription
	};
	try {
		const joined = await subscriptions.join(session, request, (start) => {
			const text = wire.encodeStart(session, channel.name, start, fields);
			connections.send(session, encodeSubscribeReply(id, text));
		});
		if (joined === "full") refuse("limitExceeded");
		if (joined === "unrecovered") refuse("unrecoverablePosition");
		if (joined === "joined") subscriptions.presence.announce({
			kind: "join",
			session,
			channel: channel.name
		});
	} catch (error) {
		logError("a channel could not be subscribed to", {
			channel: channel.name,
			session: open.id,
			error
		});
		refuse("internal");
	}
}
function unsubscribe$1({ connections, subscriptions }, { session }, { id, body }) {
	subscriptions.leave(session, body.channel);
	connections.send(session, encodeReply(id, "unsubscribe", {}));
}
async function refreshSubscription(context, client, { id, body }) {
	const { connections, subscriptions } = context;
	const { session, open } = client;
	const refuse = (error) => fail$1(context, session, {
		id,
		error
	});
	if (!open.subscriptions.has(body.channel)) return refuse("permissionDenied");
	if (body.token === void 0 || body.token === "") return refuse("badRequest");
	const grant = await readGrant(context, client, body.channel, body.token);
	if (session.ended) return;
	if (grant.kind === "error") return refuse(grant.error);
	if (grant.kind === "disconnect") return disconnect$1(context, session, grant.why);
	const before = subscriptionsOf(session).get(body.channel);
	if (before === void 0) return refuse("permissionDenied");
	const { expiresAt: _old, chanInfo: _info, ...rest } = before;
	const after = {
		...rest,
		...fromClaims(grant.claims)
	};
	if (!subscriptions.remember(session, body.channel, after)) return refuse("limitExceeded");
	connections.send(session, encodeReply(id, "sub_refresh", timeToLive(after.expiresAt, Date.now())));
}
var sinceOf = ({ recover, offset, epoch }) => recover === true ? { since: {
	offset: offset ?? 0,
	logEpoch: epoch ?? ""
} } : {};
var wishesOf = (body) => ({
	...sinceOf(body),
	recoverable: body.recoverable,
	positioned: body.positioned,
	delta: body.delta,
	rejectUnrecovered: ((body.flag ?? 0) & REJECT_UNRECOVERED) !== 0
});
async function readGrant({ verifier }, { open }, channel, token) {
	if (token === void 0 || token === "") return {
		kind: "grant",
		claims: void 0
	};
	const verdict = await verifier.subscription(token);
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
var fromClaims = (claims) => ({
	...claims?.info === void 0 ? {} : { chanInfo: claims.info },
	...claims?.expiresAt === void 0 ? {} : { expiresAt: claims.expiresAt * 1e3 }
});
// src/centrifuge/commands/connect.ts
async function connect(context, session, command) {
	const { config, connections, subscriptions } = context;
	const { id, body } = command;
	const opening = session.attachment;
	if (opening.state !== "opening") return disconnect$1(context, session, "badRequest");
	const identity = await identify(opening, body.token, {
		cluster: config.cluster,
		verifier: context.verifier
	});
	if (session.ended) return;
	if (identity.kind !== "known") return refuseIdentity(context, {
		session,
		opening,
		id
	}, identity);
	const { claims } = identity;
	const asked = isOperator(claims) ? PASS : await askHook(context, {
		opening,
		claims,
		body
	});
	if (session.ended) return;
	if (asked.kind === "disconnect") return connections.close(session, asked.close);
	if (asked.kind === "error") return refuse$3(context, {
		session,
		opening,
		id
	}, asked.error);
	const planned = planChannels(context, claims, asked.change.channels ?? []);
	if (planned.kind === "disconnect") return disconnect$1(context, session, planned.why);
	if (planned.kind === "error") return refuse$3(context, {
		session,
		opening,
		id
	}, planned.error);
	const { channels } = planned;
	const { info = claims.info } = asked.change;
	const open = openOf(opening, claims, info);
	if (!connections.open(session, open)) return disconnect$1(context, session, "badRequest");
	connections.hold(session);
	const subs = await subscribeAll(context, {
		session,
		open,
		claims,
		channels
	}, body.subs ?? {});
	if (session.ended) return;
	if (subs === void 0) return disconnect$1(context, session, "serverError");
	if (channels.some(({ name }) => !subs.has(name))) return disconnect$1(context, session, "channelLimit");
	const { data: greeting } = asked.change;
	const result = {
		client: open.id,
		version: PROTOCOL_VERSION,
		node: context.shard.id,
		ping: Math.ceil(config.cluster.times.pingIntervalMs / 1e3),
		pong: true,
		...timeToLive(open.expiresAt, Date.now()),
		...greeting === void 0 ? {} : { data: greeting }
	};
	context.counters.counts.connects += 1;
	connections.release(session, encodeConnected(id, result, subs));
	for (const { name: channel } of channels) subscriptions.presence.announce({
		kind: "join",
		session,
		channel
	});
}
function refuse$3(context, { session, opening, id }, error) {
	context.connections.sessions.remember(session, {
		...opening,
		refused: true
	});
	fail$1(context, session, {
		id,
		error
	});
}
function refuseIdentity(context, refused, identity) {
	const { session } = refused;
	if (identity.kind === "disconnect") return context.connections.close(session, identity.close);
	if (identity.kind === "error") return refuse$3(context, refused, identity.error);
	switch (identity.why) {
		case "tokenExpired": return refuse$3(context, refused, "tokenExpired");
		case "unavailable": return refuse$3(context, refused, "internal");
		case "invalidToken": return disconnect$1(context, session, "invalidToken");
		case "noToken": return disconnect$1(context, session, "badRequest");
		case "foreignKey": return disconnect$1(context, session, "permissionDenied");
	}
}
function askHook({ asker }, { opening, claims, body }) {
	const { id, key } = opening;
	const { user, info } = claims;
	const { data, name = "", version = "" } = body;
	return asker.connect(hookSession({
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
function planChannels({ config }, claims, added) {
	const { limits, personalChannel } = config.cluster;
	const personal = personalChannel.enabled && claims.user !== "" ? [`${personalChannel.namespace === "" ? "" : `${personalChannel.namespace}:`}#${claims.user}`] : [];
	const names = [...new Set([
		...claims.channels,
		...Object.keys(claims.subs),
		...personal,
		...added
	])].filter((name) => !isBroadcast(config, name));
	if (names.length > limits.channelsPerClient) return {
		kind: "disconnect",
		why: "channelLimit"
	};
	const channels = [];
	for (const name of names) {
		const parsed = parseChannel(name, limits.channelBytes);
		if (!parsed.ok) return {
			kind: "error",
			error: "badRequest"
		};
		if (namespaceOf(config, parsed.channel) === void 0) return {
			kind: "error",
			error: "unknownChannel"
		};
		channels.push(parsed.channel);
	}
	return {
		kind: "channels",
		channels
	};
}
function openOf(opening, claims, info) {
	const { token: _spent, identity: _used, ...placed } = opening;
	return {
		...placed,
		state: "open",
		openedAt: Date.now(),
		user: claims.user,
		subscriptions: new Map(),
		...info === void 0 ? {} : { connInfo: info },
		...isOperator(claims) ? { operator: true } : {},
		...claims.expiresAt === void 0 ? {} : { expiresAt: claims.expiresAt * 1e3 }
	};
}
async function subscribeAll(context, { session, open, claims, channels }, positions) {
	const { broadcast, config, subscriptions, wire } = context;
	const subs = new Map();
	const wishesFor = (name) => {
		const { delta, ...position } = positions[name] ?? {};
		return {
			...sinceOf(position),
			delta
		};
	};
	const broadcastChannel = config.cluster.broadcast.channel;
	const heard = broadcast.join(session, wishesFor(broadcastChannel), (start) => {
		subs.set(broadcastChannel, wire.encodeStart(session, broadcastChannel, start));
	});
	const joined = await Promise.allSettled(channels.map((channel) => {
		const { data } = claims.subs[channel.name] ?? {};
		const request = {
			channel,
			user: open.user,
			wishes: wishesFor(channel.name),
			subscription: byServer(context, open, channel, claims)
		};
		return subscriptions.join(session, request, (start) => {
			const fields = data === void 0 ? {} : { data };
			subs.set(channel.name, wire.encodeStart(session, channel.name, start, fields));
		});
	}));
	await heard;
	return joined.some(({ status }) => status === "rejected") ? void 0 : subs;
}
function byServer({ config }, { user }, channel, claims) {
	const joinLeave = mayJoinLeave({
		config,
		channel,
		user,
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
var ContractError = class extends Error {
	name = "ContractError";
};
function checkContract(contract) {
	if (Math.abs(contract - 2) <= 1) return;
	throw new ContractError(`a call of contract ${contract} reached an object of contract 2`);
}
// src/centrifuge/commands/history.ts
async function history$1(context, { session, open }, { id, body }) {
	const { config, connections, env } = context;
	const parsed = parseChannel(body.channel, config.cluster.limits.channelBytes);
	if (!parsed.ok) return fail$1(context, session, {
		id,
		error: "badRequest"
	});
	const { channel } = parsed;
	const subscribed = open.subscriptions.has(channel.name);
	const permission = mayHistory({
		config,
		channel,
		user: open.user,
		subscribed
	});
	if (permission !== "allowed") return fail$1(context, session, {
		id,
		error: permission
	});
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
		const answer = await callAgain(() => channelStub(env, channel.name).history(query, 2));
		if (answer.refused !== null) return fail$1(context, session, {
			id,
			error: answer.refused
		});
		connections.send(session, encodeHistory(id, answer));
	} catch (error) {
		logError("a channel did not answer with its history", {
			channel: channel.name,
			session: open.id,
			error
		});
		fail$1(context, session, {
			id,
			error: "internal"
		});
	}
}
// src/centrifuge/commands/presence.ts
async function presence(context, { session, open }, { kind, id, body }) {
	const { config, connections, subscriptions } = context;
	const parsed = parseChannel(body.channel, config.cluster.limits.channelBytes);
	if (!parsed.ok) return fail$1(context, session, {
		id,
		error: "badRequest"
	});
	const { channel } = parsed;
	const subscribed = open.subscriptions.has(channel.name);
	const permission = mayPresence({
		config,
		channel,
		user: open.user,
		subscribed
	});
	if (permission !== "allowed") return fail$1(context, session, {
		id,
		error: permission
	});
	let present;
	try {
		present = await subscriptions.presence.everywhere(channel.name);
	} catch (error) {
		logError("a channel did not answer with its presence", {
			channel: channel.name,
			session: open.id,
			error
		});
		return fail$1(context, session, {
			id,
			error: "internal"
		});
	}
	if (kind === "presence") return connections.send(session, encodePresence(id, present.values()));
	const users = new Set([...present.values()].map(({ user }) => user));
	const stats = {
		num_clients: present.size,
		num_users: users.size
	};
	connections.send(session, encodeReply(id, "presence_stats", stats));
}
// src/contracts/publication.ts
var encodePublication = (publication) => JSON.stringify(publication);
var encodePresenceEvent = (info) => JSON.stringify({ info });
var describeClient = (client) => ({
	user: client.user,
	client: client.id,
	...client.connInfo === void 0 ? {} : { conn_info: client.connInfo },
	...client.chanInfo === void 0 ? {} : { chan_info: client.chanInfo }
});
// src/centrifuge/commands/publish.ts
async function publish$1(context, { session, open }, { id, body }) {
	const { asker, config, connections, env } = context;
	const parsed = parseChannel(body.channel, config.cluster.limits.channelBytes);
	if (!parsed.ok || body.data === void 0) return fail$1(context, session, {
		id,
		error: "badRequest"
	});
	const { channel } = parsed;
	const { user } = open;
	let { subscriptions, connInfo } = open;
	let asked = PASS;
	if (asker.hooks.onPublish !== void 0) {
		const mayBe = mayPublish({
			config,
			channel,
			user,
			subscribed: subscriptions.has(channel.name),
			granted: true
		});
		if (mayBe !== "allowed") return fail$1(context, session, {
			id,
			error: mayBe
		});
		asked = await asker.publish(hookSession(open), {
			channel: channel.name,
			data: body.data
		});
		if (session.ended) return;
		if (session.attachment.state === "open") ({subscriptions, connInfo} = session.attachment);
	}
	if (asked.kind === "error") return fail$1(context, session, {
		id,
		error: asked.error
	});
	if (asked.kind === "disconnect") return connections.close(session, asked.close);
	const { allow, data = body.data, tags } = asked.change;
	const permission = mayPublish({
		config,
		channel,
		user,
		subscribed: subscriptions.has(channel.name),
		granted: allow === true
	});
	if (permission !== "allowed") return fail$1(context, session, {
		id,
		error: permission
	});
	const { chanInfo } = subscriptions.get(channel.name) ?? {};
	const info = describeClient({
		id: open.id,
		user,
		connInfo,
		chanInfo
	});
	const publication = {
		id: crypto.randomUUID(),
		body: encodePublication({
			data,
			info,
			...tags === void 0 ? {} : { tags }
		})
	};
	try {
		const { refused } = await callAgain(() => channelStub(env, channel.name).publish(publication, 2));
		if (refused !== null) return fail$1(context, session, {
			id,
			error: "limitExceeded"
		});
	} catch (error) {
		logError("a channel did not take a publication", {
			channel: channel.name,
			session: open.id,
			error
		});
		return fail$1(context, session, {
			id,
			error: "internal"
		});
	}
	connections.send(session, encodeReply(id, "publish", {}));
}
// src/centrifuge/commands/refresh.ts
async function refresh$1(context, { session, open }, { id, body }) {
	const { connections, verifier } = context;
	const verdict = await verifier.connection(body.token);
	if (session.ended) return;
	if (!verdict.ok) {
		if (verdict.reason === "unavailable") return fail$1(context, session, {
			id,
			error: "internal"
		});
		return disconnect$1(context, session, verdict.reason === "expired" ? "expired" : "invalidToken");
	}
	const { claims } = verdict;
	if (claims.user !== open.user) return disconnect$1(context, session, "invalidToken");
	if (session.attachment.state !== "open") return;
	const { expiresAt: _old, ...rest } = session.attachment;
	const expiresAt = claims.expiresAt === void 0 ? void 0 : claims.expiresAt * 1e3;
	connections.sessions.remember(session, {
		...rest,
		...expiresAt === void 0 ? {} : { expiresAt }
	});
	const ttl = timeToLive(expiresAt, Date.now());
	connections.send(session, encodeReply(id, "refresh", {
		client: open.id,
		version: PROTOCOL_VERSION,
		...ttl
	}));
}
// src/centrifuge/commands/rpc.ts
async function rpc(context, { session, open }, { id, body }) {
	const { asker, connections } = context;
	const asked = await asker.rpc(hookSession(open), {
		method: body.method ?? "",
		data: body.data
	});
	if (session.ended) return;
	if (asked === void 0) return fail$1(context, session, {
		id,
		error: "notAvailable"
	});
	if (asked.kind === "error") return fail$1(context, session, {
		id,
		error: asked.error
	});
	if (asked.kind === "disconnect") return connections.close(session, asked.close);
	connections.send(session, encodeReply(id, "rpc", { data: asked.change.data ?? null }));
}
// src/centrifuge/wire.ts
var CentrifugeWire = class {
	heartbeat = {
		ping: "{}",
		pong: "{}",
		absorb: PONG_ABSORBER
	};
	#bases = new DeltaBases();
	encodeBatch = batchEncoder(this.#bases);
	subprotocol(offered) {
		return offered.find((name) => name === "centrifuge-json");
	}
	closeFor(why) {
		return DISCONNECTS[why];
	}
	encodeNotice(session, notice) {
		switch (notice.kind) {
			case "message": return encodeMessage(notice.data);
			case "subscribed": {
				const { channel, start, data } = notice;
				const missed = this.#missed(session, channel, start);
				const result = {
					...data === void 0 ? {} : { data },
					...resultOf(start, missed.length)
				};
				return [encodePush(channel, "subscribe", JSON.stringify(result)), ...pushEach(channel, missed)].join("\n");
			}
			case "missed": return pushEach(notice.channel, this.#missed(session, notice.channel, notice.start)).join("\n");
			case "unsubscribed": return encodePush(notice.channel, "unsubscribe", JSON.stringify(UNSUBSCRIBES[notice.why]));
		}
	}
	encodeStart(session, channel, start, fields = {}) {
		const missed = this.#missed(session, channel, start);
		return encodeSubscribed({
			...fields,
			...resultOf(start, missed.length)
		}, missed);
	}
	#missed(session, channel, { subscription, recovery }) {
		return new Frames({
			channel,
			events: recovery?.kind === "resume" ? recovery.publications : [],
			durable: true,
			previous: void 0
		}, this.#bases).missedBy(session, subscription);
	}
};
function resultOf({ position, recovery, tracking, since }, missed) {
	if (position === null || !tracking.positioned) return {};
	const recovered = recovery?.kind === "resume";
	return {
		...tracking.recoverable ? { recoverable: true } : {},
		positioned: true,
		epoch: position.logEpoch,
		offset: recovered && missed > 0 && since !== void 0 ? since.offset : position.offset,
		...recovery === null ? {} : { was_recovering: true },
		...recovered ? { recovered: true } : {},
		...tracking.delta ? { delta: true } : {}
	};
}
var encodePush = (channel, field, text) => `{"push":{"channel":${JSON.stringify(channel)},"${field}":${text}}}`;
var pushEach = (channel, publications) => publications.map((publication) => encodePush(channel, "pub", publication));
// src/centrifuge/front.ts
function centrifugeFront() {
	const wire = new CentrifugeWire();
	return {
		name: "centrifuge",
		wire,
		serve: (core) => serveCommands({
			...core,
			wire
		})
	};
}
function serveCommands(context) {
	return async (session, text) => {
		const frame = parseFrame(text);
		if (!frame.ok) return disconnect$1(context, session, "badRequest");
		if (isRefused(session) && frame.commands.length > 0) return disconnect$1(context, session, "badRequest");
		for (const command of frame.commands) {
			if (session.ended) return;
			const now = Date.now();
			if (session.commands.take(now)) await runCommand(context, session, command);
			else if (!session.refusals.take(now)) return disconnect$1(context, session, "tooManyRequests");
			else if (command.id !== 0) fail$1(context, session, {
				id: command.id,
				error: "tooManyRequests"
			});
		}
	};
}
var isRefused = ({ attachment }) => attachment.state === "opening" && attachment.refused === true;
async function runCommand(context, session, command) {
	if (command.kind === "connect") return connect(context, session, command);
	const { attachment: open } = session;
	if (open.state === "opening") {
		if (open.refused !== true) disconnect$1(context, session, "badRequest");
		return;
	}
	switch (command.kind) {
		case "subscribe": return subscribe$1(context, {
			session,
			open
		}, command);
		case "unsubscribe": return unsubscribe$1(context, {
			session,
			open
		}, command);
		case "publish": return publish$1(context, {
			session,
			open
		}, command);
		case "presence":
		case "presence_stats": return presence(context, {
			session,
			open
		}, command);
		case "refresh": return refresh$1(context, {
			session,
			open
		}, command);
		case "sub_refresh": return refreshSubscription(context, {
			session,
			open
		}, command);
		case "history": return history$1(context, {
			session,
			open
		}, command);
		case "rpc": return rpc(context, {
			session,
			open
		}, command);
		case "send": return disconnect$1(context, session, "notAvailable");
	}
}
// src/events/event-queue.ts
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
	take(now, most) {
		if (!this.exists) return [];
		if (most > 1) return this.#rows("WHERE due <= ? ORDER BY seq LIMIT ?", now, most).map((row) => batchOf([row]));
		const [oldest] = this.#rows("ORDER BY seq LIMIT 1");
		if (oldest === void 0 || oldest.due > now) return [];
		if (oldest.batch !== null) return [batchOf(this.#rows("WHERE batch = ? ORDER BY seq", oldest.batch))];
		const rows = this.#rows("WHERE batch IS NULL ORDER BY seq LIMIT ?", this.#settings.batchEvents);
		const batch = crypto.randomUUID();
		this.#update(`SET batch = ? WHERE seq <= ?`, batch, rows.at(-1)?.seq ?? 0);
		return [batchOf(rows.map((row) => ({
			...row,
			batch
		})))];
	}
	done({ rows }) {
		for (const seq of rows) this.#sql.exec(`DELETE FROM ${this.#table} WHERE seq = ?`, seq);
	}
	failed(batch, now) {
		const { keepMs, retryFirstMs, retryLastMs } = this.#settings;
		if (Math.max(...batch.events.map(({ at }) => at)) + keepMs <= now) {
			logError("events were dropped, because their receiver has not taken them in time", { events: batch.events.map(({ id }) => id) });
			return this.done(batch);
		}
		const pause = Math.min(retryLastMs, retryFirstMs * 2 ** batch.tries) * (.75 + Math.random() / 4);
		for (const seq of batch.rows) this.#update("SET tries = ?, due = ? WHERE seq = ?", batch.tries + 1, now + pause, seq);
	}
	nextDue(most) {
		if (!this.exists) return void 0;
		const [next] = this.#rows(most > 1 ? "ORDER BY due LIMIT 1" : "ORDER BY seq LIMIT 1");
		return next?.due;
	}
	#rows(where, ...values) {
		return this.#sql.exec(`SELECT * FROM ${this.#table} ${where}`, ...values).toArray();
	}
	#update(what, ...values) {
		this.#sql.exec(`UPDATE ${this.#table} ${what}`, ...values);
	}
};
var batchOf = (rows) => ({
	id: rows[0]?.batch ?? "",
	events: rows.map(({ body }) => JSON.parse(body)),
	rows: rows.map(({ seq }) => seq),
	tries: rows[0]?.tries ?? 0
});
// src/events/tell-hook.ts
var HOOKS = {
	connected: null,
	disconnected: "onDisconnect",
	occupied: "onChannelOccupied",
	vacated: "onChannelVacated",
	published: null,
	shards: "onShardChange"
};
function typesWithHook(hooks) {
	return Object.keys(HOOKS).filter((type) => {
		const name = HOOKS[type];
		return name !== null && hooks[name] !== void 0;
	});
}
async function tellHook(hooks, event, by) {
	await within(by.timeoutMs, Promise.resolve().then(() => callHook(hooks, event, by.env)));
}
function callHook(hooks, event, env) {
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
// src/events/webhook.ts
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
// src/events/sinks.ts
var HOOKS_AT_ONCE = 32;
var HOOK_RETRY = {
	retryFirstMs: 1e3,
	retryLastMs: 6e5,
	keepMs: 864e5
};
function createSinks(parts) {
	const { webhook } = parts.config.cluster;
	return webhook === void 0 ? [hookSink(parts)] : [hookSink(parts), webhookSink(parts, webhook)];
}
function hookSink({ storage, env, config, hooks, ordered }) {
	const { times, webhook } = config.cluster;
	const { retryFirstMs, retryLastMs, keepMs } = webhook ?? HOOK_RETRY;
	return {
		queue: new EventQueue(storage, "hook_events", {
			batchEvents: 1,
			retryFirstMs,
			retryLastMs,
			keepMs
		}),
		types: new Set(typesWithHook(hooks)),
		delayMs: 0,
		deliver: async ([event]) => {
			if (event !== void 0) await tellHook(hooks, event, {
				env,
				timeoutMs: times.hookTimeoutMs
			});
		},
		atOnce: ordered ? 1 : HOOKS_AT_ONCE,
		busy: false
	};
}
function webhookSink({ storage, env }, webhook) {
	return {
		queue: new EventQueue(storage, "webhook_events", webhook),
		types: new Set(webhook.events),
		delayMs: webhook.batchMs,
		deliver: (events, batch) => postEvents(webhook, {
			secret: env.WEBHOOK_SECRET ?? "",
			events,
			batch
		}),
		atOnce: 1,
		busy: false
	};
}
// src/events/events.ts
var CHECK_MS = 3e4;
var Events = class {
	#arm;
	#sinks;
	constructor(parts) {
		const { ctx, env, config, hooks, ordered } = parts;
		this.#arm = (at) => ctx.waitUntil(parts.timetable.arm("events", at));
		this.#sinks = createSinks({
			storage: ctx.storage,
			env,
			config,
			hooks,
			ordered
		});
	}
	wants(type) {
		return this.#sinks.some(({ types }) => types.has(type));
	}
	record(details) {
		const now = Date.now();
		const event = {
			id: crypto.randomUUID(),
			at: now,
			...details
		};
		for (const { queue, types, delayMs } of this.#sinks) {
			if (!types.has(details.type)) continue;
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
		for (const sink of this.#sinks) {
			const due = sink.queue.nextDue(sink.atOnce);
			if (due === void 0) continue;
			if (due <= now && !sink.busy) this.#deliverDue(sink);
			const again = sink.busy ? now + CHECK_MS : due;
			next = Math.min(next ?? again, again);
		}
		return next;
	}
	async #deliverDue(sink) {
		const { queue } = sink;
		sink.busy = true;
		try {
			for (;;) {
				const batches = queue.take(Date.now(), sink.atOnce);
				if (batches.length === 0) break;
				await Promise.all(batches.map((batch) => deliver(sink, batch)));
			}
		} finally {
			sink.busy = false;
			const next = queue.nextDue(sink.atOnce);
			if (next !== void 0) this.#arm(next);
		}
	}
};
async function deliver({ queue, deliver: send }, batch) {
	try {
		await send(batch.events, batch.id);
		queue.done(batch);
	} catch (error) {
		const [event] = batch.events;
		logError("a receiver has not taken its events, and is told again", {
			event: event?.type,
			events: batch.events.length,
			batch: batch.id,
			attempt: batch.tries + 1,
			error
		});
		queue.failed(batch, Date.now());
	}
}
// src/contracts/contract-1.ts
var isContract1 = (contract = 1) => contract === 1;
var NOBODY$1 = new Map();
var doneTo1 = (done) => done.kind === "reached" ? {
	sessions: done.sessions,
	noListeners: false,
	users: done.users
} : {
	sessions: done.sessions,
	noListeners: done.kind === "noListeners",
	users: NOBODY$1
};
function readReached(done) {
	if (!("kind" in done)) return {
		kind: "reached",
		sessions: done.sessions,
		users: done.users
	};
	return done.kind === "reached" ? done : {
		kind: "reached",
		sessions: done.sessions,
		users: NOBODY$1
	};
}
function readDelivered(done) {
	if ("kind" in done && done.kind !== "reached") return done;
	return {
		kind: "noListeners" in done && done.noListeners ? "noListeners" : "delivered",
		sessions: done.sessions
	};
}
var outcomesTo1 = (outcomes) => outcomes.map(({ done, ...outcome }) => ({
	...outcome,
	done: done === null ? null : doneTo1(done)
}));
var readOutcomes = (outcomes, read) => outcomes.map(({ done, ...outcome }) => ({
	...outcome,
	done: done === null ? null : read(done)
}));
var sentTo1 = (sent) => sent.kind === "newer" ? {
	newer: sent.descriptor,
	done: null,
	spilled: sent.spilled
} : {
	newer: null,
	done: doneTo1(sent.reached),
	spilled: sent.spilled
};
var changeTo1 = (answer) => answer.kind === "done" ? {
	result: answer.result,
	refused: null
} : {
	result: null,
	refused: {
		code: answer.code,
		message: answer.message
	}
};
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
// src/fanout/fan-out.ts
var RELAY_PART = .6;
function deliverAll(env, order, targets, waitMs) {
	return fanOut({
		targets,
		waitMs,
		repeat: false
	}, {
		direct: (target) => deliverOne(env, order, target),
		relay: async (relay, branch, relayMs) => {
			return readOutcomes(await shardStub(env, relay).relay({
				order,
				targets: branch,
				waitMs: relayMs
			}, 2), readDelivered);
		}
	});
}
function actOnAll(env, action, to) {
	const order = {
		kind: "act",
		action
	};
	const carrier = {
		direct: (target) => actOnOne(env, order, target),
		relay: async (relay, branch, relayMs) => {
			return readOutcomes(await shardStub(env, relay).relay({
				order,
				targets: branch,
				waitMs: relayMs
			}, 2), readReached);
		}
	};
	return fanOut({
		...to,
		repeat: action.kind !== "send"
	}, carrier);
}
var deliverOne = (env, { delivery }, { registration, mayRepeat, ...shard }) => shardStub(env, shard).deliver({
	...delivery,
	registration,
	mayRepeat
}, 2);
var actOnOne = async (env, order, shard) => readReached(await shardStub(env, shard).carryOut(order, shard, 2));
async function outcomeOf(target, waitMs, call) {
	const started = Date.now();
	let done = null;
	try {
		done = await within(waitMs, call());
	} catch (error) {
		logError("a shard was not reached", {
			shard: readAddress(target).id,
			error
		});
	}
	return {
		name: target.name,
		ms: Date.now() - started,
		done
	};
}
async function fanOut(to, carrier) {
	const { waitMs } = to;
	const started = Date.now();
	let calls = 0;
	const direct = (target) => {
		calls += 1;
		return outcomeOf(target, waitMs, () => carrier.direct(target));
	};
	const branches = planTree(to.targets);
	return {
		outcomes: (await Promise.all(branches.map(async ({ relay, others }) => {
			if (others.length === 0) return [await direct(relay)];
			calls += 1 + others.length;
			const targets = [relay, ...others];
			const relayed = await within(waitMs, carrier.relay(relay, targets, waitMs * RELAY_PART)).catch((error) => {
				logError("a relay did not answer", {
					shard: readAddress(relay).id,
					targets: targets.length,
					error
				});
				return targets.map(({ name }) => ({
					name,
					ms: Date.now() - started,
					done: null
				}));
			});
			if (!to.repeat) return relayed;
			return Promise.all(relayed.map(async (outcome, n) => {
				const target = targets[n];
				return outcome.done === null && target !== void 0 ? direct(target) : outcome;
			}));
		}))).flat(),
		calls
	};
}
// src/log/deliveries.ts
var RETRY_MS$3 = 3e4;
var FIRST_PAUSE_MS = 50;
var Deliveries = class {
	#env;
	#timeoutMs;
	#listeners;
	#pending = [];
	constructor(env, listeners, timeoutMs) {
		this.#env = env;
		this.#listeners = listeners;
		this.#timeoutMs = timeoutMs;
	}
	async send(shard, delivery) {
		try {
			return await (this.#listeners.size > 32 ? this.#sendInCompany(shard, delivery) : this.#sendAlone(shard, delivery));
		} catch (error) {
			if (isOverloaded(error)) throw error;
			await scheduler.wait(FIRST_PAUSE_MS * (1 + Math.random()));
			return callAgain(() => this.#sendAlone(shard, {
				...delivery,
				mayRepeat: true
			}), RETRY_MS$3);
		}
	}
	async #sendAlone(shard, delivery) {
		return within(this.#timeoutMs, shardStub(this.#env, shard).deliver(delivery, 2));
	}
	#sendInCompany(shard, delivery) {
		return new Promise((resolve, reject) => {
			this.#pending.push({
				shard,
				delivery,
				resolve,
				reject
			});
			if (this.#pending.length === 1) queueMicrotask(() => this.#sendPending());
		});
	}
	#sendPending() {
		const pending = this.#pending;
		this.#pending = [];
		for (const group of groupEqual(pending)) if (group.length > 32) this.#sendTogether(group);
		else for (const { shard, delivery, resolve, reject } of group) this.#sendAlone(shard, delivery).then(resolve, reject);
	}
	async #sendTogether(group) {
		const [first] = group;
		if (first === void 0) return;
		const { registration: _number, mayRepeat: _may, ...delivery } = first.delivery;
		const targets = group.map(({ shard, delivery: { registration, mayRepeat } }) => ({
			...shard,
			registration,
			mayRepeat
		}));
		const { outcomes } = await deliverAll(this.#env, {
			kind: "deliver",
			delivery
		}, targets, this.#timeoutMs);
		for (const [n, { shard, resolve, reject }] of group.entries()) {
			const done = outcomes[n]?.done ?? null;
			if (done === null) reject(new Error(`shard ${shard.id} was not reached down the tree`));
			else resolve(done);
		}
	}
};
function groupEqual(pending) {
	const groups = [];
	for (const one of pending) {
		const group = groups.find(([first]) => first !== void 0 && hasSameEvents(first.delivery, one.delivery));
		if (group === void 0) groups.push([one]);
		else group.push(one);
	}
	return groups;
}
var hasSameEvents = (one, other) => one.logEpoch === other.logEpoch && one.since === other.since && one.entries.length === other.entries.length && one.entries.every((event, n) => event === other.entries[n]);
// src/log/lane.ts
var LANE_BYTES = 8388608;
var BATCH_EVENTS = 256;
var Lane = class {
	#parts;
	#heard;
	#tried;
	#waiting = [];
	#waitingBytes = 0;
	#running = false;
	#stopped = false;
	#done = Promise.resolve();
	constructor(position, parts) {
		this.#heard = position.heard;
		this.#tried = position.tried;
		this.#parts = parts;
	}
	get heard() {
		return this.#heard;
	}
	get waits() {
		return this.#waiting.length > 0;
	}
	push(event) {
		this.#waiting.push(event);
		this.#waitingBytes += event.body.length;
		while (this.#waitingBytes > LANE_BYTES && this.#waiting.length > 1) this.#waitingBytes -= this.#waiting.shift()?.body.length ?? 0;
		return this.run();
	}
	stop() {
		const waiting = this.#waiting;
		this.#stopped = true;
		this.#waiting = [];
		this.#waitingBytes = 0;
		return waiting;
	}
	run() {
		if (this.#running) return this.#done;
		this.#running = true;
		this.#done = this.#run();
		return this.#done;
	}
	async #run() {
		const { channel, shard, deliveries, onHeard, onNoListeners } = this.#parts;
		try {
			for (let next = this.#next(); next !== void 0; next = this.#next()) {
				this.#tried = Math.max(this.#tried, next.upTo);
				const delivered = await deliveries.send(shard, next.delivery);
				if (this.#stopped) return;
				if (delivered.kind === "noListeners") return onNoListeners();
				this.#heard = next.upTo;
				onHeard(next.upTo, delivered.sessions);
			}
		} catch (error) {
			logError("a shard did not take a delivery", {
				channel,
				shard: shard.id,
				offset: this.#heard,
				error
			});
		} finally {
			this.#running = false;
		}
	}
	#next() {
		if (this.#stopped) return void 0;
		const { channel, registration, log } = this.#parts;
		const after = this.#heard;
		const isNew = (event) => event.kind !== "pub" || event.offset > after;
		const first = this.#waiting.find((event) => event.kind === "pub" && event.offset > after);
		let events;
		const missing = first?.offset === after + 1 ? [] : log.after(after, BATCH_EVENTS);
		if (missing.length > 0) events = missing;
		else {
			events = this.#waiting.filter(isNew).slice(0, BATCH_EVENTS);
			const last = events.at(-1);
			this.#waiting = last === void 0 ? [] : this.#waiting.slice(this.#waiting.indexOf(last) + 1);
			this.#waitingBytes = this.#waiting.reduce((sum, { body }) => sum + body.length, 0);
		}
		if (events.length === 0) return void 0;
		const publications = events.filter((event) => event.kind === "pub");
		const since = (publications[0]?.offset ?? after + 1) - 1;
		const mayRepeat = publications.length > 0 && since < this.#tried;
		const { logEpoch, durable } = log;
		return {
			delivery: {
				channel,
				registration,
				logEpoch,
				durable,
				since,
				mayRepeat,
				entries: events
			},
			upTo: publications.at(-1)?.offset ?? after
		};
	}
};
// src/log/durable-log.ts
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
			...history(query, {
				logEpoch,
				top,
				max,
				read
			})
		}),
		clear: () => void sql.exec("DELETE FROM publications"),
		expire(now, { inUse }) {
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
function history({ limit, reverse, since }, log) {
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
// src/log/ephemeral-log.ts
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
// src/log/open-log.ts
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
// src/log/registrations.ts
var Registrations = class {
	#sql;
	constructor(sql) {
		this.#sql = sql;
	}
	all() {
		return this.#sql.exec("SELECT * FROM listeners").toArray().map(({ registration, front, name: key, region, heard }) => ({
			shard: readAddress({
				front,
				region,
				name: key.slice(key.indexOf(":") + 1)
			}),
			key,
			number: registration,
			heard
		}));
	}
	add(shard, heard) {
		const key = addressKey(shard);
		const { registration } = this.#sql.exec("INSERT OR REPLACE INTO listeners (front, name, region, heard) VALUES (?, ?, ?, ?) RETURNING registration", shard.front, key, shard.region, heard).one();
		return {
			shard,
			key,
			number: registration,
			heard
		};
	}
	delete(number) {
		this.#sql.exec("DELETE FROM listeners WHERE registration = ?", number);
	}
	save(number, heard) {
		this.#sql.exec("UPDATE listeners SET heard = ? WHERE registration = ?", heard, number);
	}
};
// src/log/schema.ts
var MIGRATIONS = [
	`DROP TABLE IF EXISTS log;
   DROP TABLE IF EXISTS listeners;
   CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, top INTEGER NOT NULL, at INTEGER NOT NULL);
   CREATE TABLE publications (offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL);
   CREATE TABLE ids (id TEXT PRIMARY KEY, offset INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX ids_until ON ids (until);
   CREATE TABLE listeners (registration INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, heard INTEGER NOT NULL);`,
	`ALTER TABLE log ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE log ADD COLUMN version_epoch TEXT NOT NULL DEFAULT '';`,
	"ALTER TABLE listeners ADD COLUMN front TEXT NOT NULL DEFAULT 'centrifuge'"
];
var BACK = "schemaBack";
function migrate(storage) {
	const version = storage.kv.get("schema") ?? 0;
	if (version === MIGRATIONS.length) return;
	const back = version > MIGRATIONS.length ? storage.kv.get(BACK) : void 0;
	if (version > MIGRATIONS.length && back === void 0) return;
	storage.transactionSync(() => {
		for (const step of back === void 0 ? MIGRATIONS.slice(version) : [back]) storage.sql.exec(step);
		storage.kv.put("schema", MIGRATIONS.length);
		if (back !== void 0) storage.kv.delete(BACK);
	});
}
// src/log/channel-log.ts
var DELIVER_CHECK_MS = 5e3;
var DELIVER_CHECK_LAST_MS = 6e4;
var ChannelLog = class {
	#parts;
	#log;
	#registrations;
	#listeners = new Map();
	#deliveries;
	#checkMs = DELIVER_CHECK_MS;
	#armed = new Set();
	constructor(parts) {
		const { storage } = parts.ctx;
		this.#parts = parts;
		migrate(storage);
		this.#log = openLog(storage, parts.namespace);
		this.#registrations = new Registrations(storage.sql);
		this.#deliveries = new Deliveries(parts.env, this.#listeners, parts.config.cluster.times.deliveryTimeoutMs);
		const fronts = frontsOf(parts.env);
		for (const registered of this.#registrations.all()) {
			if (!fronts.includes(registered.shard.front)) continue;
			this.#listen(registered, this.#log.top);
		}
	}
	get top() {
		return this.#log.top;
	}
	get size() {
		return this.#listeners.size;
	}
	wake() {
		this.#runBehind();
	}
	shards() {
		return [...this.#listeners.values()].map(({ registered }) => registered.shard);
	}
	register(sent, listening) {
		const shard = readAddress(sent);
		const heard = this.#startOf(addressKey(shard), listening);
		if (heard === void 0) return null;
		const listener = this.#listen(this.#registrations.add(shard, heard), heard);
		this.#run(listener.lane);
		return this.#describe(listener);
	}
	enlist(shard) {
		if (!this.#listeners.has(addressKey(shard))) this.renew(shard);
	}
	renew(shard) {
		const { top } = this.#log;
		const known = this.#listeners.get(addressKey(shard));
		const heard = known === void 0 ? top : heardBy(known);
		const listener = this.#listen(this.#registrations.add(shard, heard), top);
		this.#run(listener.lane);
		return this.#describe(listener);
	}
	forget(shard) {
		const listener = this.#listeners.get(addressKey(shard));
		if (listener !== void 0) this.#forget(listener.registered);
	}
	async probe(key) {
		const listener = this.#listeners.get(key);
		if (listener === void 0) return false;
		const { env, config, name: channel } = this.#parts;
		const { registered } = listener;
		const asked = shardStub(env, registered.shard).attends(channel, 2);
		if (!await within(config.cluster.times.deliveryTimeoutMs, asked)) this.#forget(registered);
		return this.#listeners.has(key);
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
		if (this.#log.durable) this.#armDuties(now);
		this.tell({
			kind: "pub",
			offset: result.offset,
			body: publication.body,
			at: now
		});
		return result;
	}
	tell(event) {
		for (const { lane } of this.#listeners.values()) this.#parts.ctx.waitUntil(lane.push(event));
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
		this.#armed.delete(duty);
		return duty === "expire" ? this.#expire(Date.now()) : this.#checkDelivery();
	}
	#listen(registered, tried) {
		const { shard, key, number, heard } = registered;
		const log = this.#log;
		const lane = new Lane(log.durable ? {
			heard,
			tried
		} : {
			heard: 0,
			tried: 0
		}, {
			channel: this.#parts.name,
			shard,
			registration: number,
			log,
			deliveries: this.#deliveries,
			onHeard: (offset, sessions) => this.#parts.onHeard?.(shard, offset, sessions),
			onNoListeners: () => this.#forget(registered)
		});
		const before = this.#listeners.get(key);
		const listener = {
			registered,
			lane,
			saved: heard
		};
		this.#listeners.set(key, listener);
		for (const event of before?.lane.stop() ?? []) this.#parts.ctx.waitUntil(lane.push(event));
		return listener;
	}
	#forget({ key, number }) {
		if (this.#listeners.get(key)?.registered.number !== number) return;
		this.#listeners.get(key)?.lane.stop();
		this.#listeners.delete(key);
		this.#registrations.delete(number);
		this.#parts.onForgotten?.();
	}
	#describe(listener) {
		const { logEpoch, durable } = this.#log;
		return {
			number: listener.registered.number,
			logEpoch,
			offset: heardBy(listener),
			durable
		};
	}
	#startOf(key, listening) {
		const { logEpoch, top, durable } = this.#log;
		if (listening === null || !durable) return top;
		const { position } = listening;
		if (position === null) {
			const listener = this.#listeners.get(key);
			return listener === void 0 ? void 0 : heardBy(listener);
		}
		return position.logEpoch === logEpoch && position.offset <= top ? position.offset : void 0;
	}
	#run(lane) {
		this.#parts.ctx.waitUntil(lane.run());
	}
	#runBehind() {
		const behind = this.#behind();
		for (const { lane } of behind) this.#run(lane);
		return behind.length > 0;
	}
	#behind() {
		if (!this.#log.durable) return [];
		return [...this.#listeners.values()].filter(({ lane }) => {
			if (lane.heard >= this.#log.top) return false;
			return lane.waits || this.#log.after(lane.heard, 1).length > 0;
		});
	}
	#armDuties(now) {
		if (!this.#armed.has("deliver")) this.#arm("deliver", now + DELIVER_CHECK_MS);
		if (this.#armed.has("expire")) return;
		const dueAt = this.#parts.timetable.at("expire") ?? this.#expire(now);
		if (dueAt !== void 0) this.#arm("expire", dueAt);
	}
	#arm(duty, at) {
		this.#armed.add(duty);
		this.#parts.ctx.waitUntil(this.#parts.timetable.arm(duty, at));
	}
	#checkDelivery() {
		this.#runBehind();
		for (const listener of this.#listeners.values()) {
			const heard = heardBy(listener);
			if (heard <= listener.saved) continue;
			this.#registrations.save(listener.registered.number, heard);
			listener.saved = heard;
		}
		if (this.#behind().length === 0) {
			this.#checkMs = DELIVER_CHECK_MS;
			return;
		}
		const next = Date.now() + this.#checkMs;
		this.#checkMs = Math.min(this.#checkMs * 2, DELIVER_CHECK_LAST_MS);
		return next;
	}
	#expire(now) {
		return this.#log.expire(now, { inUse: this.#listeners.size > 0 });
	}
};
var heardBy = ({ registered, lane }) => Math.max(registered.heard, lane.heard);
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
// src/platform/storage.ts
var StorageError = class extends Error {
	name = "StorageError";
};
var NEEDS = "needsStorage";
function refuseNewerStorage(storage) {
	const needs = storage.kv.get(NEEDS) ?? 0;
	if (needs <= 1) return;
	throw new StorageError(`this object's storage needs a release of storage ${needs}, and this is 1`);
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
			logError("a duty of the alarm failed and is tried again", {
				duty: name,
				error
			});
			next.set(name, now + RETRY_MS$2);
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
var RETRY_MS$2 = 2e3;
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
	#name;
	#log;
	#heldLeaves;
	#timetable;
	#events;
	#occupancy;
	#awake = false;
	constructor(ctx, env) {
		super(ctx, env);
		const { hooks } = new.target;
		if (ctx.id.name === void 0) throw new Error("a channel is addressed by its name");
		refuseNewerStorage(ctx.storage);
		const config = configOf(env);
		const { limits, times } = config.cluster;
		this.#name = ctx.id.name;
		const timetable = new Timetable(ctx.storage);
		this.#timetable = timetable;
		this.#events = new Events({
			ctx,
			env,
			config,
			hooks,
			timetable,
			ordered: true
		});
		const parsed = parseChannel(this.#name, limits.channelBytes);
		this.#log = new ChannelLog({
			ctx,
			env,
			config,
			name: this.#name,
			namespace: parsed.ok ? namespaceOf(config, parsed.channel) : void 0,
			timetable,
			onPublished: this.#events.wants("published") ? (body, offset) => this.#events.published(this.#name, body, offset) : void 0,
			onForgotten: () => this.#occupancy.left()
		});
		this.#occupancy = new Occupancy({
			ctx,
			channel: this.#name,
			events: this.#events,
			timetable,
			graceMs: times.vacatedGraceMs,
			shards: () => this.#log.size
		});
		this.#heldLeaves = new HeldLeaves(times.movedLeaveHoldMs, ({ kind, body }) => this.#log.tell({
			kind,
			body
		}));
	}
	register(shard, listening, contract) {
		this.#answer(contract);
		const registration = this.#log.register(shard, listening);
		if (registration !== null) this.#occupancy.entered();
		return registration;
	}
	async settle(shardKey, contract) {
		this.#answer(contract);
		const registered = await this.#log.probe(shardKey);
		if (!registered) this.#occupancy.settle();
		return registered;
	}
	publish(publication, contract) {
		this.#answer(contract);
		return this.#log.publish(publication);
	}
	view(after, contract) {
		this.#answer(contract);
		return this.#log.view(after);
	}
	history(query, contract) {
		this.#answer(contract);
		return this.#log.history(query);
	}
	removeHistory(contract) {
		this.#answer(contract);
		this.#log.removeHistory();
	}
	announce(events, contract) {
		this.#answer(contract);
		for (const event of events) if (this.#heldLeaves.pass(event)) this.#log.tell({
			kind: event.kind,
			body: event.body
		});
	}
	async presence(except, contract) {
		this.#answer(contract);
		const others = this.#log.shards().filter((shard) => addressKey(shard) !== except);
		return (await Promise.all(others.map((shard) => callAgain(() => within(PRESENCE_WAIT_MS, shardStub(this.env, shard).presenceHere(this.#name, 2)))))).flat();
	}
	async alarm() {
		this.#wake();
		await this.#timetable.run(Date.now(), async (duty) => {
			if (duty === "events") return this.#events.run(Date.now());
			if (duty === "vacant") return this.#occupancy.run(Date.now());
			return this.#log.run(duty);
		});
	}
	crash() {
		this.ctx.abort("crashed by the operator");
	}
	#answer(contract = 1) {
		if (contract !== 2) checkContract(contract);
		this.#wake();
	}
	#wake() {
		if (this.#awake) return;
		this.#awake = true;
		this.#log.wake();
	}
};
// src/fanout/ask-all.ts
async function askAll(env, shards, question) {
	const answers = new Map();
	const silent = [];
	await Promise.all([...shards].map(async (shard) => {
		try {
			const answer = await within(question.waitMs, question.ask(shardStub(env, shard), shard));
			answers.set(addressKey(shard), answer);
		} catch (error) {
			logError("a shard did not answer", {
				shard: shard.id,
				front: shard.front,
				error
			});
			silent.push(shard);
		}
	}));
	return {
		answers,
		silent
	};
}
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
var keyHasher = (seed) => (key) => hashKey(key, seed);
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
function checkShards(descriptor) {
	if (descriptor.shards.length > 65535) return refuse$2({
		kind: "tooManyShards",
		most: MAX_SHARDS
	});
	const idByHash = new Map();
	for (const { id, weight } of descriptor.shards) {
		if (!Number.isInteger(weight) || weight < 1 || weight > 64) return refuse$2({
			kind: "badWeight",
			id,
			weight
		});
		const hash = hashKey(id, descriptor.seed);
		const other = idByHash.get(hash);
		if (other === id) return refuse$2({
			kind: "duplicateId",
			id
		});
		if (other !== void 0) return refuse$2({
			kind: "hashCollision",
			id,
			other
		});
		idByHash.set(hash, id);
	}
	return { ok: true };
}
var refuse$2 = (reason) => ({
	ok: false,
	reason
});
var compareText = (a, b) => a < b ? -1 : a > b ? 1 : 0;
var hex = (n) => n.toString(16).padStart(8, "0");
// src/ring/placement.ts
var POINTS_PER_WEIGHT = 32;
function ringPlacement(seed) {
	return {
		hash: keyHasher(seed),
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
var WITHIN_SLOT = 65535;
var NO_POINT = 65536;
function slotOf(hash) {
	return hash >>> 16;
}
function slotStart(slot) {
	return slot << 16 >>> 0;
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
		return this.placement.hash(key) >>> 16;
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
// src/coordinator/broadcasts.ts
var Broadcasts = class {
	#watches = new Set();
	async watch(publication, isMember) {
		const { promise, resolve } = Promise.withResolvers();
		const watch = {
			offset: publication.offset,
			startedAt: Date.now(),
			outcomes: [],
			missing: new Map(publication.shards.map((shard) => [addressKey(shard), shard])),
			done: resolve
		};
		this.#watches.add(watch);
		const timer = setTimeout(resolve, publication.waitMs);
		if (watch.missing.size > 0) await promise;
		clearTimeout(timer);
		this.#watches.delete(watch);
		const ms = Date.now() - watch.startedAt;
		const pending = [...watch.missing].filter(([key]) => isMember(key)).map(([, { name }]) => ({
			name,
			ok: false,
			delivered: 0,
			ms,
			pending: true
		}));
		return [...watch.outcomes, ...pending];
	}
	left(shard) {
		for (const watch of this.#watches) if (watch.missing.delete(addressKey(shard)) && watch.missing.size === 0) watch.done();
	}
	heard(shard, offset, sessions) {
		for (const watch of this.#watches) {
			if (offset < watch.offset || !watch.missing.delete(addressKey(shard))) continue;
			const ms = Date.now() - watch.startedAt;
			watch.outcomes.push({
				name: shard.name,
				ok: true,
				delivered: sessions,
				ms,
				pending: false
			});
			if (watch.missing.size === 0) watch.done();
		}
	}
};
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
// src/coordinator/members.ts
var Members = class {
	#store;
	fronts;
	constructor(store, fronts) {
		this.#store = store;
		this.fronts = fronts;
	}
	objectsOf(shard) {
		return this.fronts.map((front) => shardAddress(front, shard));
	}
	holders() {
		return [...this.#store.descriptor.shards, ...this.#store.leaving()].flatMap((shard) => this.objectsOf(shard));
	}
	holderKeys() {
		return new Set(this.holders().map(addressKey));
	}
};
var idsOf = (shards) => [...new Set(shards.map(({ id }) => id))];
// src/coordinator/plan-change.ts
function planChange(change, context) {
	const plan = planShards(change, context);
	if (plan.kind === "refused") return plan;
	const { descriptor } = context;
	if (sameShards(plan.shards, descriptor.shards)) return {
		kind: "unchanged",
		cause: plan.cause
	};
	if (!plan.shards.some(({ state }) => state === "active")) return refuse$1("lastShard", "the last active shard cannot leave: no shard would own its clients");
	if (plan.shards.length > descriptor.shards.length && plan.shards.length > context.shardsMax) return refuse$1("tooManyShards", `that would make ${plan.shards.length} shards, and shards.max is ${context.shardsMax}`);
	const next = {
		...descriptor,
		epoch: descriptor.epoch + 1,
		shards: plan.shards
	};
	const check = checkShards(next);
	if (!check.ok) return refuse$1("badShards", describe(check.reason));
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
			if (context.earlier === void 0) return refuse$1("notFound", `there is no epoch ${change.ringEpoch}`);
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
		if (change.region !== void 0 && present.region !== region) return refuse$1("conflict", `shard ${id} is there already, in region ${present.region}`);
		if (change.weight !== void 0 && present.weight !== change.weight) return refuse$1("conflict", `shard ${id} is there already, with weight ${present.weight}`);
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
var refuse$1 = (code, message) => ({
	kind: "refused",
	code,
	message
});
var unknown = (id) => refuse$1("notFound", `there is no shard ${id}`);
function sameShards(some, others) {
	if (some.length !== others.length) return false;
	const byId = new Map(others.map((shard) => [shard.id, shard]));
	return some.every((shard) => {
		const other = byId.get(shard.id);
		return other?.region === shard.region && other.weight === shard.weight && other.state === shard.state;
	});
}
function describe(reason) {
	switch (reason.kind) {
		case "tooManyShards": return `a ring has at most ${reason.most} shards`;
		case "badWeight": return `the weight of shard ${reason.id} must be a whole number from 1 to 64, not ${reason.weight}`;
		case "duplicateId": return `shard ${reason.id} is named twice`;
		case "hashCollision": return `the ids ${reason.id} and ${reason.other} have the same hash; choose another id`;
	}
}
// src/coordinator/changes.ts
var PREDICT_MS = 3e3;
var TELL_MS = 5e3;
var RETRY_FIRST_MS$1 = 1e3;
var RETRY_LAST_MS$1 = 6e4;
var NOTHING_MOVES = {
	moving: 0,
	from: {},
	to: {},
	unknown: []
};
var NOBODY_TOLD = {
	shards: 0,
	pending: []
};
var Changes = class {
	#parts;
	#retryMs = RETRY_FIRST_MS$1;
	#last = Promise.resolve();
	constructor(parts) {
		this.#parts = parts;
	}
	change(request) {
		const answer = this.#last.then(() => this.#change(request));
		this.#last = answer.catch(() => void 0);
		return answer;
	}
	async retry() {
		const { pending } = await this.#tell();
		this.#retryMs = pending.length === 0 ? RETRY_FIRST_MS$1 : Math.min(this.#retryMs * 2, RETRY_LAST_MS$1);
		return pending.length === 0 ? void 0 : Date.now() + this.#retryMs;
	}
	async #change({ change, dryRun, by }) {
		const { config, store } = this.#parts;
		const before = store.descriptor;
		const plan = planChange(change, {
			descriptor: before,
			used: store.usedIds(),
			earlier: change.kind === "rollback" ? store.at(change.ringEpoch) : void 0,
			shardsMax: config.cluster.shards.max,
			weight: config.cluster.shards.initialWeight
		});
		if (plan.kind === "refused") return plan;
		const { cause } = plan;
		if (plan.kind === "unchanged") return done({
			descriptor: before,
			cause,
			by,
			predicted: NOTHING_MOVES
		}, {
			changed: false,
			dryRun
		});
		const { descriptor } = plan;
		const epoch = {
			descriptor,
			cause,
			by,
			predicted: await this.#predict(descriptor)
		};
		return done(epoch, {
			changed: true,
			dryRun,
			told: dryRun ? NOBODY_TOLD : await this.#adopt(epoch),
			diff: diff(buildRing(before), buildRing(descriptor))
		});
	}
	async #adopt(epoch) {
		const { config, store, timetable, events, live, waitUntil } = this.#parts;
		const { epoch: ringEpoch, shards } = epoch.descriptor;
		const tell = [
			...shards,
			...store.descriptor.shards,
			...configuredDescriptor(config).shards
		];
		const armed = timetable.arm("tell", Date.now() + RETRY_FIRST_MS$1 + TELL_MS);
		store.commit({
			...epoch,
			at: Date.now(),
			tell
		});
		events.record({
			type: "shards",
			ringEpoch,
			cause: epoch.cause,
			by: epoch.by,
			shards
		});
		await armed;
		this.#retryMs = RETRY_FIRST_MS$1;
		live.say({
			kind: "epoch",
			at: Date.now(),
			...epoch
		});
		const told = await this.#tell();
		waitUntil(live.pass());
		if (told.pending.length === 0) return told;
		await timetable.arm("tell", Date.now() + RETRY_FIRST_MS$1);
		live.say({
			kind: "untold",
			at: Date.now(),
			ringEpoch,
			shards: told.pending
		});
		return told;
	}
	async #tell() {
		const { env, store, members, renew } = this.#parts;
		const { descriptor } = store;
		const holders = members.holderKeys();
		const untold = store.untold();
		const open = new Map(untold.map(({ id }) => [id, members.fronts.length]));
		await askAll(env, untold.flatMap((shard) => members.objectsOf(shard)), {
			waitMs: TELL_MS,
			ask: async (stub, shard) => {
				const registration = holders.has(addressKey(shard)) ? renew(shard) : void 0;
				await stub.adopt(descriptor, registration, 2);
				const left = (open.get(shard.id) ?? 1) - 1;
				open.set(shard.id, left);
				if (left === 0) store.told(shard, descriptor.epoch);
			}
		});
		return {
			shards: [...open.values()].filter((left) => left === 0).length,
			pending: idsOf(store.untold())
		};
	}
	async #predict(descriptor) {
		const { env, members } = this.#parts;
		const holders = members.holders();
		const { answers, silent } = await askAll(env, holders, {
			waitMs: PREDICT_MS,
			ask: (stub) => stub.predict(descriptor, 2)
		});
		const from = {};
		const to = {};
		for (const shard of holders) {
			const prediction = answers.get(addressKey(shard));
			if (prediction === void 0) continue;
			if (prediction.sessions > 0) from[shard.id] = (from[shard.id] ?? 0) + prediction.sessions;
			for (const [id, count] of Object.entries(prediction.to)) to[id] = (to[id] ?? 0) + count;
		}
		return {
			moving: Object.values(from).reduce((sum, count) => sum + count, 0),
			from,
			to,
			unknown: idsOf(silent)
		};
	}
};
var done = ({ descriptor, cause, predicted }, result) => ({
	kind: "done",
	result: {
		ringEpoch: descriptor.epoch,
		cause,
		shards: descriptor.shards,
		predicted,
		diff: null,
		told: NOBODY_TOLD,
		...result
	}
});
// src/platform/live-channel.ts
async function publishLive(env, event) {
	try {
		const publication = {
			id: crypto.randomUUID(),
			body: JSON.stringify({ data: event })
		};
		await channelStub(env, LIVE_CHANNEL).publish(publication, 2);
	} catch (error) {
		logError("the live feed has lost an event", {
			event: event.kind,
			error
		});
	}
}
// src/coordinator/live.ts
var WATCH_MS = 2e3;
var Live = class {
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
			ask: (stub) => stub.watch(until, 2)
		});
	}
	say(event) {
		if (this.#until > Date.now()) this.#ctx.waitUntil(publishLive(this.#env, event));
	}
	get #until() {
		return this.#ctx.storage.kv.get("watchedUntil") ?? 0;
	}
};
// src/coordinator/status.ts
async function askStatus(env, { store, members, waitMs }) {
	const { answers } = await askAll(env, members.holders(), {
		waitMs,
		ask: (stub) => stub.status(2)
	});
	const { descriptor } = store;
	const ring = buildRing(descriptor);
	const share = ring.share();
	const now = Date.now();
	const seen = (object) => {
		const fresh = answers.get(addressKey(object));
		if (fresh !== void 0) return {
			status: fresh,
			ageMs: 0,
			fresh: true
		};
		const last = store.lastReport(object);
		return last === void 0 ? void 0 : {
			status: last.status,
			ageMs: now - last.at,
			fresh: false
		};
	};
	const report = (shard) => {
		const objects = members.objectsOf(shard).map(seen);
		const known = objects.filter((one) => one !== void 0);
		return {
			status: mergeStatus(known.map(({ status }) => status)),
			seenAgeMs: known.length === 0 ? null : Math.max(...known.map(({ ageMs }) => ageMs)),
			reachable: objects.every((one) => one?.fresh === true)
		};
	};
	return {
		ringEpoch: descriptor.epoch,
		digest: ring.digest,
		seed: descriptor.seed,
		defaultRegion: descriptor.defaultRegion,
		shards: [...ring.descriptor.shards.map((shard) => ({
			...shard,
			share: share.get(shard.id) ?? 0,
			...report(shard)
		})), ...store.leaving().map((shard) => ({
			...shard,
			weight: 0,
			state: "leaving",
			share: 0,
			...report(shard)
		}))],
		untold: idsOf(store.untold())
	};
}
function mergeStatus(statuses) {
	const [first, ...rest] = statuses;
	if (first === void 0) return null;
	return rest.reduce((sum, one) => {
		const older = one.ringEpoch < sum.ringEpoch ? one : sum;
		return {
			sessions: sum.sessions + one.sessions,
			users: sum.users + one.users,
			channels: sum.channels + one.channels,
			subscriptions: sum.subscriptions + one.subscriptions,
			wokeAt: Math.max(sum.wokeAt, one.wokeAt),
			ringEpoch: older.ringEpoch,
			digest: older.digest
		};
	}, first);
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
			for (const shard of epoch.tell) this.#exec("INSERT OR IGNORE INTO untold VALUES (?, ?)", objectName(shard), shard.region);
			const stay = new Set(descriptor.shards.map(objectName));
			for (const shard of before.shards) {
				const name = objectName(shard);
				if (!stay.has(name)) this.#exec("INSERT OR IGNORE INTO leaving VALUES (?, ?)", name, shard.region);
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
			const movedFrom = {};
			for (const { shard, moved } of this.#movesOf(row.epoch)) {
				const id = shard.slice(shard.indexOf(":") + 1);
				movedFrom[id] = (movedFrom[id] ?? 0) + moved;
			}
			return {
				ringEpoch: row.epoch,
				at: row.at,
				cause: row.cause,
				by: row.made_by,
				shards: JSON.parse(row.descriptor).shards,
				predicted: row.predicted === null ? null : JSON.parse(row.predicted),
				moved: Object.values(movedFrom).reduce((sum, moved) => sum + moved, 0),
				movedFrom
			};
		});
	}
	untold() {
		return this.#shardsIn("untold");
	}
	told(shard, ringEpoch) {
		if (ringEpoch === this.#descriptor.epoch) this.#exec("DELETE FROM untold WHERE name = ?", objectName(shard));
	}
	leaving() {
		return this.#shardsIn("leaving");
	}
	keepReport(shard, report, fronts) {
		this.#storage.transactionSync(() => {
			this.#exec("INSERT OR REPLACE INTO reports (name, at, status) VALUES (?, ?, ?)", addressKey(shard), report.at, JSON.stringify(report.status));
			for (const { ringEpoch, shard: id, moved } of report.moves) this.#exec("INSERT INTO moves VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET moved = MAX(moved, excluded.moved)", ringEpoch, addressKey({
				...shard,
				name: id
			}), moved);
			if (fronts.every((front) => {
				const status = this.lastReport({
					...shard,
					front
				})?.status;
				return status?.sessions === 0 && status.ringEpoch === this.#descriptor.epoch;
			})) this.#exec("DELETE FROM leaving WHERE name = ?", shard.name);
		});
	}
	lastReport(shard) {
		const row = this.#storage.sql.exec("SELECT at, status FROM reports WHERE name = ?", addressKey(shard)).toArray()[0];
		return row === void 0 ? void 0 : {
			at: row.at,
			status: JSON.parse(row.status)
		};
	}
	#shardsIn(table) {
		return this.#storage.sql.exec(`SELECT name FROM ${table} ORDER BY name`).toArray().map(({ name }) => shardOfObject(name));
	}
	#movesOf(ringEpoch) {
		return this.#storage.sql.exec("SELECT shard, moved FROM moves WHERE epoch = ?", ringEpoch).toArray();
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
var BROADCAST_WAIT_MS = 5e3;
var Coordinator = class extends DurableObject {
	static hooks = {};
	#config;
	#store;
	#members;
	#changes;
	#live;
	#timetable;
	#events;
	#log;
	#broadcasts = new Broadcasts();
	#awake = false;
	constructor(ctx, env) {
		super(ctx, env);
		const { hooks } = new.target;
		refuseNewerStorage(ctx.storage);
		const config = configOf(env);
		const { channel } = config.cluster.broadcast;
		const timetable = new Timetable(ctx.storage);
		this.#config = config;
		this.#timetable = timetable;
		this.#store = new Store(ctx.storage, configuredDescriptor(config), Date.now());
		this.#members = new Members(this.#store, frontsOf(env));
		this.#live = new Live({
			ctx,
			env,
			shards: () => this.#members.holders()
		});
		this.#events = new Events({
			ctx,
			env,
			config,
			hooks,
			timetable,
			ordered: true
		});
		this.#log = new ChannelLog({
			ctx,
			env,
			config,
			name: channel,
			namespace: config.broadcast,
			timetable,
			onPublished: this.#events.wants("published") ? (body, offset) => this.#events.published(channel, body, offset) : void 0,
			onHeard: (shard, offset, sessions) => this.#broadcasts.heard(shard, offset, sessions)
		});
		this.#changes = new Changes({
			env,
			config,
			timetable,
			store: this.#store,
			members: this.#members,
			events: this.#events,
			live: this.#live,
			renew: (shard) => this.#log.renew(shard),
			waitUntil: (promise) => ctx.waitUntil(promise)
		});
	}
	descriptor(contract) {
		this.#answer(contract);
		return this.#store.descriptor;
	}
	async change(request, contract) {
		this.#answer(contract);
		const answer = await this.#changes.change(request);
		return isContract1(contract) ? changeTo1(answer) : answer;
	}
	report({ shard: sent, status, moves }, contract) {
		this.#answer(contract);
		const shard = readAddress(sent);
		this.#store.keepReport(shard, {
			status,
			moves,
			at: Date.now()
		}, this.#members.fronts);
		for (const done of moves) this.#live.say({
			kind: "moved",
			at: Date.now(),
			...done
		});
		this.#forgetEmptyShards();
		const { descriptor } = this.#store;
		return { descriptor: digest(descriptor) === status.digest ? null : descriptor };
	}
	async drained(id, contract) {
		this.#answer(contract);
		const draining = () => this.#store.descriptor.shards.find((shard) => shard.id === id && shard.state === "draining");
		const shard = draining();
		if (shard === void 0 || await this.#hasSessions(this.#members.objectsOf(shard))) return;
		if (draining() === void 0) return;
		await this.#changes.change({
			change: {
				kind: "remove",
				id
			},
			dryRun: false,
			by: "the shard, empty"
		});
	}
	cluster(contract) {
		this.#answer(contract);
		return askStatus(this.env, {
			store: this.#store,
			members: this.#members,
			waitMs: ASK_MS
		});
	}
	epochs(limit, contract) {
		this.#answer(contract);
		return this.#store.epochs(limit);
	}
	watch(until, contract) {
		this.#answer(contract);
		return this.#live.watch(until);
	}
	explain(key, clientRegion, contract) {
		this.#answer(contract);
		const { descriptor } = this.#store;
		const before = this.#store.at(descriptor.epoch - 1);
		const previous = before === void 0 ? void 0 : buildRing(before).owner(key, clientRegion);
		return {
			...buildRing(descriptor).explain(key, clientRegion),
			previousOwner: previous?.id ?? null
		};
	}
	async sessionsOf(user, contract) {
		this.#answer(contract);
		const { answers, silent } = await askAll(this.env, this.#members.holders(), {
			waitMs: ASK_MS,
			ask: (stub) => stub.sessionsOf(user, 2)
		});
		return {
			sessions: [...answers.values()].flat(),
			unreachable: idsOf(silent)
		};
	}
	async act(action, contract) {
		this.#answer(contract);
		const fanned = await actOnAll(this.env, action, {
			targets: this.#members.holders(),
			waitMs: ASK_MS
		});
		return isContract1(contract) ? {
			...fanned,
			outcomes: outcomesTo1(fanned.outcomes)
		} : fanned;
	}
	async channels(pattern, contract) {
		this.#answer(contract);
		const limit = this.#config.cluster.limits.channelNames;
		const { answers, silent } = await askAll(this.env, this.#members.holders(), {
			waitMs: ASK_MS,
			ask: (stub) => stub.channelsHere(pattern, limit, 2)
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
			unreachable: idsOf(silent)
		};
	}
	register(shard, listening, contract) {
		this.#answer(contract);
		return this.#log.register(shard, listening);
	}
	view(after, contract) {
		this.#answer(contract);
		return this.#log.view(after);
	}
	history(query, contract) {
		this.#answer(contract);
		return this.#log.history(query);
	}
	removeHistory(contract) {
		this.#answer(contract);
		this.#log.removeHistory();
	}
	async broadcast(publication, report, contract) {
		this.#answer(contract);
		const startedAt = Date.now();
		const shards = this.#members.holders();
		for (const shard of shards) this.#log.enlist(shard);
		const before = this.#log.top;
		const result = this.#log.publish(publication);
		const isNew = result.refused === null && this.#log.top > before;
		const watched = {
			offset: result.offset,
			shards,
			waitMs: BROADCAST_WAIT_MS
		};
		const outcomes = report && isNew ? await this.#broadcasts.watch(watched, (key) => this.#members.holderKeys().has(key)) : null;
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
			return duty === "tell" ? this.#changes.retry() : this.#log.run(duty);
		});
	}
	#answer(contract = 1) {
		if (contract !== 2) checkContract(contract);
		this.#wake();
	}
	#wake() {
		if (this.#awake) return;
		this.#awake = true;
		this.#log.wake();
	}
	async #hasSessions(objects) {
		if (objects.length === 1) return false;
		const { answers, silent } = await askAll(this.env, objects, {
			waitMs: ASK_MS,
			ask: (stub) => stub.status(2)
		});
		if (silent.length > 0) throw new Error(`no answer from the fronts ${silent.map(({ front }) => front).join(", ")}`);
		return [...answers.values()].some(({ sessions }) => sessions > 0);
	}
	#forgetEmptyShards() {
		const holders = this.#members.holderKeys();
		for (const shard of this.#log.shards()) {
			if (holders.has(addressKey(shard))) continue;
			this.#log.forget(shard);
			this.#broadcasts.left(shard);
		}
	}
};
// src/router/outcomes.ts
function describeOutcomes(outcomes) {
	return [...Map.groupBy(outcomes, ({ name }) => name)].map(([name, ofFronts]) => {
		const { id, region } = shardOfObject(name);
		return {
			shard: id,
			region,
			ok: ofFronts.every(({ ok }) => ok),
			delivered: ofFronts.reduce((sum, { delivered }) => sum + delivered, 0),
			ms: Math.max(...ofFronts.map(({ ms }) => ms)),
			...ofFronts.some(({ pending }) => pending === true) ? { pending: true } : {}
		};
	});
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
async function publish(call, params) {
	const { env, config } = call;
	const parsed = parseChannel(params.channel, config.cluster.limits.channelBytes);
	if (!parsed.ok) return fail("badRequest", "the channel's name is not valid");
	const namespace = namespaceOf(config, parsed.channel);
	if (namespace === void 0) return fail("unknownChannel");
	const payload = readPayload(params);
	if (!payload.ok) return fail("badRequest", payload.reason);
	const { idempotency_key: key = "", tags = {}, version = 0 } = params;
	const publication = {
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
	const home = homeOf(config, params.channel);
	const isBroadcast = home.kind === "coordinator";
	const wantsReport = isBroadcast && params.report === true;
	try {
		const { refused, offset, logEpoch, report } = await callAgain(async () => {
			if (home.kind === "channel") return {
				...await channelStub(env, home.channel).publish(publication, 2),
				report: null
			};
			const { outcomes, ms, ...result } = await coordinatorStub(env).broadcast(publication, wantsReport, 2);
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
			shards: describeOutcomes(report.outcomes),
			ms: report.ms
		});
	} catch (error) {
		logError("a channel did not take a publication", {
			channel: params.channel,
			error
		});
		return fail("internal", `${isBroadcast ? "the coordinator" : "the channel"} does not answer`);
	}
}
// src/contracts/route.ts
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
var COORDINATOR_WAIT_MS$2 = 2e3;
async function forward(upgrade) {
	const { env, cache, key, clientRegion, front = FIRST_FRONT } = upgrade;
	const refused = [];
	let misdirected = 0;
	let failures = 0;
	const failed = (shard, error) => {
		failures += 1;
		logError("a shard did not take an upgrade", {
			shard: shard.id,
			attempt: failures,
			error
		});
		return failures >= MAX_FAILURES;
	};
	for (let step = 0; step < MAX_STEPS; step++) {
		const owner = cache.ring.owners(key, clientRegion, 3).find(({ id }) => !refused.includes(id));
		const address = owner === void 0 ? void 0 : cache.addresses.get(owner.id);
		if (address === void 0) return unavailable(5, "every shard that may take this connection is full");
		const shard = {
			...address,
			front
		};
		let response;
		try {
			response = await ask(upgrade, shard, refused);
		} catch (error) {
			if (failed(shard, error)) return unavailable(2, "the shard does not answer");
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
					await shardStub(env, shard).adopt(cache.ring.descriptor, void 0, 2);
				} catch (error) {
					if (failed(shard, error)) return unavailable(2, "the shard does not answer");
				}
				break;
			case "full":
				refused.push(shard.id);
				break;
			case "busy": return unavailable(refusal.retryAfterSeconds, "too many connections at once");
			case void 0: return unavailable(5, `shard ${shard.id} answered ${response.status}`);
		}
	}
	return unavailable(5, "no shard took the connection");
}
function ask(upgrade, shard, refused) {
	const { ring } = upgrade.cache;
	const forwarded = new Request(upgrade.request);
	forwarded.headers.set(ROUTE_HEADER, encodeRoute({
		contract: 2,
		key: upgrade.key,
		clientRegion: upgrade.clientRegion,
		ringEpoch: ring.descriptor.epoch,
		digest: ring.digest,
		refused,
		...upgrade.token === void 0 ? {} : { token: upgrade.token },
		...upgrade.identity === void 0 ? {} : { identity: upgrade.identity }
	}));
	return shardStub(upgrade.env, shard).fetch(forwarded);
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
		cache.correct(await within(COORDINATOR_WAIT_MS$2, coordinatorStub(env).descriptor(2)));
	} catch (error) {
		logError("the coordinator did not show its descriptor", { error });
	}
}
var unavailable = (retryAfterSeconds, message) => ({
	kind: "unavailable",
	retryAfterSeconds,
	message
});
// src/router/ring-cache.ts
var RingCache = class {
	ring;
	addresses;
	constructor(configured) {
		this.ring = buildRing(configured);
		this.addresses = addressesOf(this.ring);
	}
	adopt(descriptor) {
		if (descriptor.epoch > this.ring.descriptor.epoch) this.#replace(descriptor);
	}
	correct(descriptor) {
		if (descriptor.epoch >= this.ring.descriptor.epoch) this.#replace(descriptor);
	}
	#replace(descriptor) {
		this.ring = buildRing(descriptor);
		this.addresses = addressesOf(this.ring);
	}
};
var addressesOf = ({ descriptor }) => new Map(descriptor.shards.map((shard) => [shard.id, shardAddress(FIRST_FRONT, shard)]));
// src/contracts/orders.ts
var isDeliverBranch = (branch) => branch.order.kind === "deliver";
// src/policy/glob.ts
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
// src/shard/actions.ts
async function act(parts, action) {
	const users = new Map();
	const count = (user, sessions) => {
		if (sessions > 0) users.set(user, sessions);
	};
	switch (action.kind) {
		case "send":
			for (const user of action.users) count(user, send(parts, user, action));
			break;
		case "disconnect":
			count(action.user, disconnect(parts, action));
			break;
		case "unsubscribe":
			count(action.user, unsubscribe(parts, action));
			break;
		case "subscribe":
			count(action.user, await subscribe(parts, action));
			break;
		case "refresh": count(action.user, refresh(parts, action));
	}
	return {
		kind: "reached",
		sessions: [...users.values()].reduce((sum, one) => sum + one, 0),
		users
	};
}
function sessionsOf({ connections }, action) {
	return connections.sessions.ofUser(action.user).filter(({ attachment }) => action.client === null || attachment.id === action.client);
}
function notify({ connections, wire }, session, notice) {
	connections.send(session, wire.encodeNotice(session, notice));
}
function send(parts, user, { data, frame }) {
	const { connections } = parts;
	const sessions = connections.sessions.ofUser(user);
	for (const session of sessions) if (data === void 0) connections.send(session, frame);
	else notify(parts, session, {
		kind: "message",
		data
	});
	return sessions.filter(({ ended }) => !ended).length;
}
function disconnect(parts, action) {
	const { code, reason, except } = action;
	const meant = sessionsOf(parts, action).filter(({ attachment }) => !except.includes(attachment.id));
	for (const session of meant) parts.connections.close(session, {
		code,
		reason
	});
	return meant.length;
}
function unsubscribe(parts, action) {
	const { channel } = action;
	const left = sessionsOf(parts, action).filter((session) => parts.subscriptions.leave(session, channel));
	for (const session of left) notify(parts, session, {
		kind: "unsubscribed",
		channel,
		why: "server"
	});
	return left.length;
}
async function subscribe(parts, action) {
	return (await Promise.all(sessionsOf(parts, action).map((session) => subscribeOne(parts, session, action)))).filter(Boolean).length;
}
async function subscribeOne(parts, session, action) {
	const { config, connections, subscriptions } = parts;
	const parsed = parseChannel(action.channel, config.cluster.limits.channelBytes);
	if (!parsed.ok) return false;
	const { channel } = parsed;
	let done = false;
	await connections.inOrder(session, async () => {
		const open = session.attachment;
		if (open.state !== "open") return;
		if (open.subscriptions.has(channel.name)) {
			done = true;
			return;
		}
		if (subscriptions.count(open) >= config.cluster.limits.channelsPerClient) return;
		const { user } = open;
		const joinLeave = mayJoinLeave({
			config,
			channel,
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
		const wishes = action.since === null ? {} : { since: action.since };
		done = await subscriptions.join(session, {
			channel,
			user,
			wishes,
			subscription
		}, (start) => notify(parts, session, {
			kind: "subscribed",
			channel: channel.name,
			start,
			data: action.data
		})) === "joined";
		if (done) subscriptions.presence.announce({
			kind: "join",
			session,
			channel: channel.name
		});
	});
	return done;
}
function refresh(parts, action) {
	const { connections } = parts;
	const meant = sessionsOf(parts, action);
	for (const session of meant) {
		if (action.expired) {
			connections.end(session, "expired");
			continue;
		}
		const { attachment } = session;
		if (attachment.state !== "open") continue;
		const { expiresAt: _old, ...rest } = attachment;
		connections.sessions.remember(session, {
			...rest,
			...action.expiresAt === null ? {} : { expiresAt: action.expiresAt },
			...action.info === void 0 ? {} : { connInfo: action.info }
		});
	}
	return meant.length;
}
// src/shard/connections/sweep.ts
function nextDeadline({ attachment, busy }, times, now) {
	if (attachment.state === "opening") return Math.max(attachment.openedAt, busy > 0 ? now : 0) + times.staleConnectionMs;
	let next = attachment.expiresAt;
	for (const { expiresAt } of attachment.subscriptions.values()) if (expiresAt !== void 0 && (next === void 0 || expiresAt < next)) next = expiresAt;
	return next === void 0 ? void 0 : next + times.expiredGraceMs;
}
function sweep(parts, now) {
	const { connections, times } = parts;
	let next;
	for (const session of connections.sessions) {
		const deadline = nextDeadline(session, times, now);
		if (deadline === void 0) continue;
		if (deadline <= now) sweepOne(parts, session, now);
		if (session.ended) continue;
		const after = nextDeadline(session, times, now);
		if (after !== void 0 && (next === void 0 || after < next)) next = after;
	}
	return next;
}
function sweepOne({ connections, times, endSubscription }, session, now) {
	const { attachment } = session;
	const { expiredGraceMs } = times;
	if (attachment.state === "opening") return connections.end(session, "stale");
	if (attachment.expiresAt !== void 0 && attachment.expiresAt + expiredGraceMs <= now) return connections.end(session, "expired");
	for (const [channel, { expiresAt, byServer }] of subscriptionsOf(session)) {
		if (expiresAt === void 0 || expiresAt + expiredGraceMs > now) continue;
		if (byServer === true) return connections.end(session, "subscriptionExpired");
		endSubscription(session, channel);
	}
}
function pingAll({ connections, times, ping }, { now, previousPingAt }) {
	const patient = now - previousPingAt > times.pongTimeoutMs;
	for (const session of connections.sessions) {
		if (session.attachment.state !== "open") continue;
		if (patient && connections.seenAt(session) < previousPingAt) connections.end(session, "noPong");
		else connections.send(session, ping);
	}
}
// src/shard/duties.ts
async function runDuty(duty, { now, dueAt }, parts) {
	const { floors, times, wire } = parts;
	const { connections, emptyChannels, events, moves, subscriptions } = floors;
	switch (duty) {
		case "ping": {
			const { ping } = wire.heartbeat;
			pingAll({
				connections,
				times,
				ping
			}, {
				now,
				previousPingAt: dueAt - times.pingIntervalMs
			});
			moves.reports.look(now);
			return connections.sessions.size === 0 ? void 0 : now + times.pingIntervalMs;
		}
		case "sweep": {
			const endSubscription = (session, channel) => {
				subscriptions.leave(session, channel);
				const notice = {
					kind: "unsubscribed",
					channel,
					why: "expired"
				};
				connections.send(session, wire.encodeNotice(session, notice));
			};
			return sweep({
				connections,
				times,
				endSubscription
			}, now);
		}
		case "moves":
		case "report": return moves.run(duty, now);
		case "events": return events.run(now);
		case "vacancies": return emptyChannels.run(now);
	}
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
}, "the value is not JSON");
var refusal = z.union([z.strictObject({ error: z.strictObject({
	code: z.number().int().min(100).max(1999),
	message: z.string(),
	temporary: z.boolean().optional()
}) }), z.strictObject({ disconnect: z.strictObject({
	code: z.number().int().min(3e3).max(4999),
	reason: z.string().refine(isProse, "a reason has at most 123 bytes and is not JSON")
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
// src/hooks/asker.ts
var Asker = class {
	hooks;
	#timeoutMs;
	#context;
	constructor(hooks, parts) {
		this.hooks = hooks;
		this.#timeoutMs = parts.timeoutMs;
		this.#context = {
			env: parts.env,
			shard: {
				id: parts.shard.id,
				region: parts.shard.region
			}
		};
	}
	async connect(session, event) {
		const hooks = this.hooks;
		if (hooks.onConnect === void 0) return PASS;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask$1("onConnect", () => hooks.onConnect?.(all), this.#by(connectAnswer));
	}
	async subscribe(session, event) {
		const hooks = this.hooks;
		if (hooks.onSubscribe === void 0) return PASS;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask$1("onSubscribe", () => hooks.onSubscribe?.(all), this.#by(subscribeAnswer));
	}
	async publish(session, event) {
		const hooks = this.hooks;
		if (hooks.onPublish === void 0) return PASS;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask$1("onPublish", () => hooks.onPublish?.(all), this.#by(publishAnswer));
	}
	async rpc(session, event) {
		const hooks = this.hooks;
		if (hooks.onRpc === void 0) return void 0;
		const all = {
			...this.#context,
			session,
			...event
		};
		return ask$1("onRpc", () => hooks.onRpc?.(all), this.#by(rpcAnswer));
	}
	#by(answers) {
		return {
			answers,
			timeoutMs: this.#timeoutMs
		};
	}
};
// src/tokens/json-claim.ts
function jsonClaim(plain, base64) {
	if (base64 === void 0 || base64 === "") return plain;
	const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
	return JSON.parse(new TextDecoder("utf-8", {
		fatal: true,
		ignoreBOM: false
	}).decode(bytes));
}
// src/tokens/parse-claims.ts
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
	return parseWith(connectionSchema, {
		payload,
		userIdClaim
	}, (claims, name) => ({
		user: name,
		...expiry(claims),
		...optional("info", jsonClaim(claims.info, claims.b64info)),
		channels: claims.channels ?? [],
		subs: Object.fromEntries(Object.entries(claims.subs ?? {}).map(([channel, sub]) => [channel, {
			...optional("info", jsonClaim(sub.info, sub.b64info)),
			...optional("data", jsonClaim(sub.data, sub.b64data))
		}]))
	}));
}
function parseSubscriptionClaims(payload, userIdClaim) {
	return parseWith(subscriptionSchema, {
		payload,
		userIdClaim
	}, (claims, name) => ({
		user: name,
		channel: claims.channel,
		...optional("client", claims.client),
		...optional("info", jsonClaim(claims.info, claims.b64info)),
		...expiry(claims)
	}));
}
function parseWith(schema, token, build) {
	const { payload, userIdClaim } = token;
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
// src/tokens/keys.ts
var KEY_KINDS = {
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
var isAlgorithm = (name) => typeof name === "string" && Object.hasOwn(KEY_KINDS, name);
function createKeys({ tokens, hmacSecret }) {
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
// src/tokens/verifier.ts
var MAX_TOKEN_LENGTH = 16384;
function createVerifier(settings) {
	const { tokens } = settings;
	const keys = createKeys(settings);
	const jwks = tokens.jwksUrl === void 0 ? void 0 : createRemoteJWKSet(new URL(tokens.jwksUrl));
	const options = {
		algorithms: Object.keys(KEY_KINDS),
		...tokens.audience === void 0 ? {} : { audience: tokens.audience },
		...tokens.issuer === void 0 ? {} : { issuer: tokens.issuer }
	};
	const keyOf = async (header, token) => {
		const { alg, kid } = header;
		if (!isAlgorithm(alg)) throw new errors.JOSEAlgNotAllowed(`algorithm ${String(alg)}`);
		const kind = KEY_KINDS[alg];
		if (jwks !== void 0 && kind !== "hmac" && (kid !== void 0 || keys[kind] === void 0)) return jwks(header, token);
		const key = await keys[kind]?.(alg);
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
		if (!verdict.ok) logWarning("a token was refused", {
			reason: verdict.reason,
			detail: verdict.detail
		});
		return verdict;
	};
	return {
		connection: (token) => read(token, parseConnectionClaims),
		subscription: (token) => read(token, parseSubscriptionClaims)
	};
}
function reasonOf(error) {
	if (error instanceof errors.JWTExpired) return "expired";
	if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return "unavailable";
	return error instanceof errors.JOSEError && error.code !== "ERR_JOSE_GENERIC" ? "invalid" : "unavailable";
}
// src/shard/connections/outbox.ts
var HARD_FACTOR = 8;
function sendFrame(session, frame, now, context) {
	const { limits } = context;
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
		session.socket.send(context.ping);
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
// src/shard/connections/sessions.ts
var Sessions = class {
	bySocket = new Map();
	#byUser = new Map();
	get size() {
		return this.bySocket.size;
	}
	get users() {
		return this.#byUser.size;
	}
	[Symbol.iterator]() {
		return this.bySocket.values();
	}
	wake(sockets, limits) {
		for (const socket of sockets) {
			const attachment = socket.deserializeAttachment();
			if (attachment === null || attachment.state === "closing") continue;
			this.add(socket, attachment, limits);
		}
	}
	add(socket, attachment, limits) {
		const session = newSession(socket, attachment, limits);
		this.bySocket.set(socket, session);
		if (session.attachment.state === "open") this.#index(session, session.attachment.user);
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
		session.ended = true;
		this.bySocket.delete(session.socket);
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
function newSession(socket, attachment, limits) {
	const budget = {
		burst: limits.commandBurst,
		perSecond: limits.commandsPerSecond
	};
	return {
		socket,
		ended: false,
		attachment,
		queue: Promise.resolve(),
		busy: 0,
		commands: new TokenBucket(budget, Date.now()),
		refusals: new TokenBucket(budget, Date.now()),
		held: void 0,
		unprovenBytes: 0,
		probedAt: void 0,
		lastFrameAt: 0
	};
}
// src/shard/connections/connections.ts
var Connections = class {
	sessions = new Sessions();
	#parts;
	#context;
	constructor(parts) {
		this.#parts = parts;
		const { ctx, cluster, wire } = parts;
		this.#context = {
			limits: cluster.limits,
			ping: wire.heartbeat.ping,
			answeredAt: (socket) => ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0
		};
	}
	wake(closing) {
		const sockets = new Set([...this.#parts.ctx.getWebSockets(), ...closing]);
		this.sessions.wake(sockets, this.#parts.cluster.limits);
		return { sockets: sockets.size };
	}
	accept(opening, offered) {
		const { ctx, cluster, wire } = this.#parts;
		const { 0: client, 1: server } = new WebSocketPair();
		ctx.acceptWebSocket(server);
		server.serializeAttachment(opening);
		this.sessions.add(server, opening, cluster.limits);
		const headers = new Headers();
		const names = offered?.split(",").map((name) => name.trim());
		const subprotocol = names === void 0 ? void 0 : wire.subprotocol(names);
		if (subprotocol !== void 0) headers.set("sec-websocket-protocol", subprotocol);
		return new Response(null, {
			status: 101,
			webSocket: client,
			headers
		});
	}
	open(session, open) {
		if (!this.sessions.remember(session, open)) return false;
		this.#parts.onOpen(open);
		return true;
	}
	seenAt({ attachment, lastFrameAt, socket }) {
		return Math.max(attachment.openedAt, lastFrameAt, this.#context.answeredAt(socket));
	}
	hold(session) {
		session.held ??= [];
	}
	release(session, first) {
		const held = session.held ?? [];
		session.held = void 0;
		for (const frame of [first, ...held]) this.send(session, frame);
	}
	send(session, frame, now = Date.now()) {
		if (frame === "" || session.ended) return;
		if (session.held !== void 0) {
			session.held.push(frame);
			return;
		}
		if (sendFrame(session, frame, now, this.#context) === "slow") this.end(session, "slow");
	}
	end(session, why, { detail, moving = false } = {}) {
		const { code, reason } = this.#parts.wire.closeFor(why);
		this.close(session, {
			code,
			reason: detail ?? reason
		}, { moving });
	}
	close(session, close, { moving = false } = {}) {
		if (session.ended) return;
		this.#remove(session, {
			close,
			moving
		});
		session.socket.serializeAttachment({
			state: "closing",
			id: session.attachment.id
		});
		session.socket.close(close.code, close.reason);
	}
	lost(socket, close) {
		const session = this.sessions.bySocket.get(socket);
		if (session !== void 0) this.#remove(session, {
			close,
			moving: false
		});
	}
	inOrder(session, work) {
		session.busy += 1;
		session.queue = session.queue.then(work).catch((error) => {
			logError("a frame failed", {
				session: session.attachment.id,
				error
			});
			this.end(session, "serverError");
		});
		return session.queue.finally(() => session.busy -= 1);
	}
	#remove(session, ending) {
		try {
			this.#parts.onEnd(session, ending);
		} finally {
			this.sessions.delete(session);
		}
	}
};
// src/shard/moves/membership.ts
var Membership = class {
	#storage;
	#name;
	ring;
	constructor(storage, name) {
		this.#storage = storage;
		this.#name = name;
		const descriptor = storage.kv.get("descriptor");
		if (descriptor !== void 0) this.ring = buildRing(descriptor);
	}
	get ringEpoch() {
		return this.ring?.descriptor.epoch ?? 0;
	}
	get digest() {
		return this.ring?.digest ?? "";
	}
	get self() {
		return this.ring?.descriptor.shards.find((shard) => objectName(shard) === this.#name);
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
		this.ring = buildRing(descriptor);
		this.#storage.kv.put("descriptor", descriptor);
	}
};
function mustMove(ring, shardName, session) {
	const limit = session.rank === 0 ? 1 : 3;
	return !ring.owners(session.key, session.clientRegion, limit).some((owner) => objectName(owner) === shardName);
}
// src/shard/moves/pace.ts
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
// src/shard/moves/migration.ts
var TICK_MS = 100;
var Migration = class {
	#parts;
	#run;
	#finished;
	constructor(parts) {
		this.#parts = parts;
	}
	get running() {
		return this.#run !== void 0;
	}
	start(before) {
		const { ring } = this.#parts.membership;
		if (ring === void 0 || this.#run?.ring === ring) return;
		const superseded = this.#run;
		if (superseded !== void 0) {
			if (superseded.timer !== null) clearTimeout(superseded.timer);
			this.#parts.onDone({
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
		for (const session of this.#parts.connections.sessions) {
			const { attachment } = session;
			if (!mustMove(ring, this.#parts.shard.name, attachment)) continue;
			const destination = ring.owner(attachment.key, attachment.clientRegion)?.id ?? "";
			leaving.push({
				item: session,
				destination
			});
		}
		return shuffle(leaving);
	}
	#pace(before, ring, leaving) {
		const { shard, limits } = this.#parts;
		const destinations = new Set(leaving.map(({ destination }) => destination));
		if (leaving.length === 0) return new Map();
		return planPace({
			shard: shard.id,
			destinations,
			moves: before === void 0 ? [] : diff(before, ring).moves,
			limits
		});
	}
	#tick(run) {
		const { connections, limits } = this.#parts;
		const now = Date.now();
		const outOfPatience = now - run.startedAt > limits.busyWaitMs;
		const step = stepMoves({
			leaving: run.leaving.filter(({ item }) => !item.ended),
			ready: (session) => session.busy === 0 || outOfPatience,
			pace: run.pace,
			perSecondFromOneShard: limits.perSecondFromOneShard,
			budget: run.budget,
			elapsedMs: (now - run.tickedAt) * (.75 + Math.random() / 4)
		});
		for (const session of step.now) {
			const detail = `moved, epoch ${run.ring.descriptor.epoch}`;
			connections.end(session, "moved", {
				detail,
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
		this.#parts.onDone({
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
// src/shard/moves/reports.ts
var COORDINATOR_WAIT_MS$1 = 3e3;
var RETRY_MS$1 = 5e3;
var Reports = class {
	#parts;
	constructor(parts) {
		this.#parts = parts;
	}
	moved(done) {
		const { storage, shard, arm } = this.#parts;
		storage.kv.put("moves", [...this.#moves, {
			shard: shard.id,
			...done
		}]);
		arm(Date.now());
	}
	look(now) {
		const { storage, status, intervalMs, arm } = this.#parts;
		const last = storage.kv.get("reported");
		if (JSON.stringify(last?.status) !== JSON.stringify(status()) && now - (last?.at ?? 0) >= intervalMs) arm(now);
	}
	async run(now) {
		const { storage, env, shard, status: statusOf, isDrained, onDescriptor } = this.#parts;
		const moves = this.#moves;
		const status = statusOf();
		try {
			const { descriptor } = await within(COORDINATOR_WAIT_MS$1, coordinatorStub(env).report({
				shard,
				status,
				moves
			}, 2));
			storage.kv.put("reported", {
				at: now,
				status
			});
			const untold = this.#moves.slice(moves.length);
			storage.kv.put("moves", untold);
			if (descriptor !== null) await onDescriptor(descriptor);
			if (isDrained()) await within(COORDINATOR_WAIT_MS$1, coordinatorStub(env).drained(shard.id, 2));
			return untold.length > 0 ? now : void 0;
		} catch (error) {
			logError("the coordinator did not take a report", {
				shard: shard.id,
				error
			});
			return now + RETRY_MS$1;
		}
	}
	get #moves() {
		return this.#parts.storage.kv.get("moves") ?? [];
	}
};
// src/shard/moves/moves.ts
var MIGRATION_CHECK_MS = 5e3;
var Moves = class {
	membership;
	reports;
	#parts;
	#migration;
	#ringBefore;
	constructor(parts) {
		const { storage, env, cluster, shard, connections, status } = parts;
		this.#parts = parts;
		this.membership = new Membership(storage, shard.name);
		this.reports = new Reports({
			storage,
			env,
			shard,
			status,
			intervalMs: cluster.times.healthReportMs,
			isDrained: () => this.#isDrained(),
			onDescriptor: (descriptor) => this.#correct(descriptor),
			arm: (at) => parts.waitUntil(parts.arm("report", at))
		});
		this.#migration = new Migration({
			shard,
			connections,
			membership: this.membership,
			limits: cluster.moves,
			onDone: (done) => this.reports.moved(done)
		});
	}
	async adopt(descriptor) {
		const before = this.membership.ring;
		if (this.membership.adopt(descriptor)) await this.#plan(before);
	}
	async askDescriptor() {
		try {
			const answer = coordinatorStub(this.#parts.env).descriptor(2);
			await this.#correct(await within(COORDINATOR_WAIT_MS$1, answer));
		} catch (error) {
			logError("the coordinator did not show its descriptor", {
				shard: this.#parts.shard.id,
				error
			});
		}
	}
	predict(descriptor) {
		const { connections, shard } = this.#parts;
		const ring = buildRing(descriptor);
		const to = {};
		let sessions = 0;
		for (const { attachment } of connections.sessions) {
			if (!mustMove(ring, shard.name, attachment)) continue;
			const owner = ring.owner(attachment.key, attachment.clientRegion)?.id ?? "";
			to[owner] = (to[owner] ?? 0) + 1;
			sessions += 1;
		}
		return {
			sessions,
			to
		};
	}
	async run(duty, now) {
		if (duty === "report") return this.reports.run(now);
		this.#migration.start(this.#ringBefore);
		return this.#migration.running ? now + MIGRATION_CHECK_MS : void 0;
	}
	async #correct(descriptor) {
		const before = this.membership.ring;
		if (this.membership.correct(descriptor)) await this.#plan(before);
	}
	async #plan(before) {
		this.#ringBefore = before;
		await this.#parts.arm("moves", Date.now());
	}
	#isDrained() {
		return this.#parts.connections.sessions.size === 0 && !this.#migration.running && this.membership.self?.state === "draining";
	}
};
// src/shard/moves/admission.ts
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
// src/shard/moves/upgrades.ts
var BUSY_RETRY_SECONDS = 2;
var Upgrades = class {
	#parts;
	#bucket;
	constructor(parts) {
		const { upgradeBurst, upgradesPerSecond } = parts.cluster.limits;
		this.#parts = parts;
		this.#bucket = new TokenBucket({
			burst: upgradeBurst,
			perSecond: upgradesPerSecond
		}, Date.now());
	}
	get hasSpilled() {
		return this.#parts.ctx.storage.kv.get("spilled") === true;
	}
	async take(route, offered) {
		const { ctx, cluster, shard, connections, moves, timetable } = this.#parts;
		if (isDisputed(moves.membership.ring, route)) await moves.askDescriptor();
		const admission = planAdmission({
			ring: moves.membership.ring,
			shardName: shard.name,
			route,
			sessions: connections.sessions.size,
			sessionsMax: cluster.limits.sessionsPerShard
		});
		if (admission.kind === "full" && !this.hasSpilled) ctx.storage.kv.put("spilled", true);
		if (admission.kind !== "accept") return refuse(admission);
		const now = Date.now();
		if (!this.#bucket.take(now)) return refuse({
			kind: "busy",
			retryAfterSeconds: BUSY_RETRY_SECONDS
		});
		const { pingIntervalMs, staleConnectionMs } = cluster.times;
		ctx.waitUntil(timetable.arm("ping", now + pingIntervalMs));
		ctx.waitUntil(timetable.arm("sweep", now + staleConnectionMs));
		return connections.accept(openingOf(route, admission.rank, now), offered);
	}
};
var isDisputed = (ring, route) => ring === void 0 || ring.descriptor.epoch === route.ringEpoch && ring.digest !== route.digest;
var openingOf = (route, rank, openedAt) => ({
	state: "opening",
	id: crypto.randomUUID(),
	openedAt,
	key: route.key,
	clientRegion: route.clientRegion,
	rank,
	...route.token === void 0 ? {} : { token: route.token },
	...route.identity === void 0 ? {} : { identity: route.identity }
});
function refuse(refusal) {
	const headers = new Headers();
	if (refusal.kind === "busy") headers.set("retry-after", String(refusal.retryAfterSeconds));
	return Response.json(refusal, {
		status: REFUSAL_STATUS[refusal.kind],
		headers
	});
}
// src/shard/records/counters.ts
var MAX_SAMPLES = 1e3;
var nothing = () => ({
	frames: 0,
	connects: 0,
	disconnects: 0,
	moved: 0,
	deliveries: 0,
	resumed: 0,
	notResumed: 0
});
var Counters = class {
	counts = nothing();
	#latencies = [];
	isWatched = false;
	sample(latencyMs) {
		if (this.#latencies.length < MAX_SAMPLES) this.#latencies.push(Math.max(0, latencyMs));
	}
	take() {
		const { counts } = this;
		const latencies = this.#latencies.toSorted((a, b) => a - b);
		this.counts = nothing();
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
// src/shard/records/empty-channels.ts
var RETRY_MS = 5e3;
var EmptyChannels = class {
	#parts;
	#emptySince = new Map();
	#asked = new Set();
	constructor(parts) {
		this.#parts = parts;
	}
	registers(channel) {
		if (this.#parts.isWanted()) this.#exec("INSERT OR IGNORE INTO registered VALUES (?)", channel);
	}
	look(channel) {
		const { isWanted, listeners, graceMs, arm } = this.#parts;
		if (!isWanted()) return;
		if (listeners(channel) > 0) {
			this.#emptySince.delete(channel);
			return;
		}
		if (this.#emptySince.has(channel)) return;
		const now = Date.now();
		this.#emptySince.set(channel, now);
		arm(now + graceMs);
	}
	wake() {
		if (!this.#parts.isWanted()) return;
		this.#exec("CREATE TABLE IF NOT EXISTS registered (channel TEXT PRIMARY KEY)");
		const rows = this.#parts.storage.sql.exec("SELECT channel FROM registered").toArray();
		for (const { channel } of rows) this.look(channel);
	}
	run(now) {
		let next;
		for (const [channel, since] of this.#emptySince) {
			if (this.#parts.listeners(channel) > 0) {
				this.#emptySince.delete(channel);
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
			this.#emptySince.delete(channel);
			if (listens || this.#parts.follows(channel)) this.look(channel);
			else this.#exec("DELETE FROM registered WHERE channel = ?", channel);
		} catch (error) {
			logError("a channel could not be told that its shard has no listeners", {
				channel,
				error
			});
		} finally {
			this.#asked.delete(channel);
		}
	}
	#exec(query, ...values) {
		this.#parts.storage.sql.exec(query, ...values);
	}
};
// src/shard/records/live-pulse.ts
var PULSE_MS = 1e3;
var LivePulse = class {
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
		this.#ctx.waitUntil(publishLive(this.#env, {
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
		this.#counters.isWatched = true;
		this.#pulsedAt = now;
		this.#timer = setTimeout(() => this.#pulse(), 0);
	}
	#pulse() {
		const now = Date.now();
		if (now >= this.#until) {
			this.#timer = null;
			this.#counters.isWatched = false;
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
		publishLive(this.#env, pulse);
		this.#timer = setTimeout(() => this.#pulse(), PULSE_MS);
	}
};
// src/shard/records/session-rows.ts
var LOST = {
	code: 1006,
	reason: "lost"
};
var SessionRows = class {
	#sql;
	#events;
	#shard;
	constructor(storage, events, shard) {
		this.#sql = storage.sql;
		this.#events = events;
		this.#shard = shard;
	}
	add(open) {
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
	delete(open, close) {
		if (open.operator === true || !this.#events.wants("disconnected")) return;
		this.#end(hookSession(open), close);
	}
	wake(present) {
		if (!this.#events.wants("disconnected")) return;
		this.#exec("CREATE TABLE IF NOT EXISTS roll (client TEXT PRIMARY KEY, session TEXT NOT NULL)");
		const rows = this.#sql.exec("SELECT * FROM roll").toArray();
		for (const { client, session } of rows) if (!present.has(client)) this.#end(JSON.parse(session), LOST);
	}
	#end(session, { code, reason }) {
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
// src/policy/tracking.ts
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
// src/shard/subscriptions/broadcast.ts
var RETRY_FIRST_MS = 1e3;
var RETRY_LAST_MS = 3e4;
var Broadcast = class {
	#parts;
	#channel;
	#waiting = new Set();
	#running = false;
	constructor(parts) {
		this.#parts = parts;
		const { broadcast, limits } = parts.config.cluster;
		const parsed = broadcast.enabled ? parseChannel(broadcast.channel, limits.channelBytes) : void 0;
		this.#channel = parsed?.ok === true ? parsed.channel : void 0;
	}
	wake(session) {
		const { attachment } = session;
		if (this.#channel === void 0 || attachment.state !== "open") return;
		const subscription = attachment.subscriptions.get(this.#channel.name);
		if (subscription === void 0 || subscription.behind !== void 0) this.#await(session);
	}
	async join(session, wishes, tell) {
		const channel = this.#channel;
		if (channel === void 0) return;
		try {
			await this.#join(session, channel, wishes, tell);
		} catch (error) {
			const { id } = session.attachment;
			logError("the broadcast channel's log does not answer", {
				channel: channel.name,
				session: id,
				error
			});
			if (wishes.since !== void 0) tell(this.#startBehind(session, channel, wishes.since));
			this.#await(session);
		}
	}
	#startBehind(session, channel, since) {
		const { config, subscriptions } = this.#parts;
		const subscription = {
			byServer: true,
			behind: since
		};
		subscriptions.remember(session, channel.name, subscription);
		return {
			subscription,
			tracking: planTracking({
				config,
				channel,
				user: "",
				recoverable: true,
				positioned: true,
				delta: void 0
			}),
			position: since,
			recovery: {
				kind: "resume",
				publications: []
			},
			since
		};
	}
	#join(session, channel, wishes, tell) {
		const { attachment } = session;
		if (attachment.state !== "open") return Promise.resolve("gone");
		const request = {
			channel,
			user: attachment.user,
			wishes,
			subscription: { byServer: true }
		};
		return this.#parts.subscriptions.join(session, request, tell);
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
		const { connections, wire } = this.#parts;
		const { attachment } = session;
		const channel = this.#channel;
		if (channel === void 0 || attachment.state !== "open" || session.ended) return;
		const behind = attachment.subscriptions.get(channel.name)?.behind;
		const wishes = behind === void 0 ? {} : {
			since: behind,
			rejectUnrecovered: true
		};
		if (await this.#join(session, channel, wishes, (start) => {
			const kind = behind === void 0 ? "subscribed" : "missed";
			connections.send(session, wire.encodeNotice(session, {
				kind,
				channel: channel.name,
				start
			}));
		}) === "unrecovered") connections.end(session, "insufficientState");
	}
};
// src/log/recovery.ts
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
// src/shard/subscriptions/heard.ts
function planDelivery(heard, delivery) {
	const { logEpoch, durable, since: before, mayRepeat, entries } = delivery;
	if (logEpoch === heard.superseded) return { kind: "drop" };
	const known = heard.kind === "known" ? heard.position : void 0;
	if (known?.logEpoch === logEpoch) return {
		kind: "apply",
		giveUp: false,
		from: known,
		pull: durable && before > known.offset && entries.some(({ kind }) => kind === "pub"),
		superseded: heard.superseded
	};
	return {
		kind: "apply",
		giveUp: durable && (known !== void 0 || mayRepeat),
		from: {
			logEpoch,
			offset: durable ? before : 0
		},
		pull: false,
		superseded: known?.logEpoch ?? heard.superseded
	};
}
// src/shard/subscriptions/lookup.ts
var Lookup = class {
	#effects;
	#call;
	constructor(effects) {
		this.#effects = effects;
	}
	add(publications) {
		this.#call?.meanwhile.push(...publications);
	}
	clear() {
		if (this.#call !== void 0) this.#call.outdated = true;
	}
	ask(after, use) {
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
			if (this.#call === void 0) this.#start([waiter]);
			else if (this.#call.after <= after) this.#call.waiters.push(waiter);
			else this.#call.next.push(waiter);
		});
	}
	async #start(waiters) {
		const after = Math.min(...waiters.map((waiter) => waiter.after));
		const call = {
			after,
			waiters,
			next: [],
			meanwhile: [],
			outdated: false
		};
		this.#call = call;
		let view;
		try {
			view = await this.#effects.view(after);
		} catch (error) {
			this.#call = void 0;
			for (const waiter of [...call.waiters, ...call.next]) waiter.fail(error);
			return;
		}
		this.#call = void 0;
		if (!call.outdated) this.#effects.learn(view, after);
		const complete = extend(view, call.meanwhile);
		for (const waiter of call.waiters) waiter.use(complete);
		if (call.next.length > 0) this.#start(call.next);
	}
};
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
// src/shard/subscriptions/registration.ts
var ChannelRegistration = class {
	#state = { kind: "none" };
	early;
	get isNone() {
		return this.#state.kind === "none";
	}
	assume() {
		this.#state = { kind: "held" };
	}
	async ensure(effects) {
		for (;;) {
			if (this.#state.kind === "none") this.#begin(effects);
			if (this.#state.kind !== "pending" || await this.#state.answer !== null) return;
		}
	}
	#begin(effects) {
		const answer = effects.register();
		this.early = [];
		this.#state = {
			kind: "pending",
			answer
		};
		this.#settle(answer, this.early, effects);
	}
	async #settle(answer, early, { onAnswer, onFailure }) {
		let registration;
		try {
			registration = await answer;
		} catch {
			this.#state = { kind: "none" };
			this.early = void 0;
			return onFailure(early);
		}
		this.#state = { kind: registration === null ? "none" : "held" };
		this.early = void 0;
		onAnswer(registration, early);
	}
};
// src/shard/subscriptions/resume.ts
function planBeginning(view, { since, mode }, limit) {
	const recovery = mode === "cache" ? planCacheRecovery(view, since) : planRecovery(view, since, limit);
	return {
		position: {
			logEpoch: view.logEpoch,
			offset: view.top
		},
		recovery
	};
}
function lookupAfter({ since, mode }, { top, limit, again }) {
	if (mode === "cache") return Math.max(0, top - 1);
	return again ? Math.min(since.offset, Math.max(0, top - limit)) : since.offset;
}
function settles(known, { since, mode }) {
	if (mode === "cache") return known.publications.length > 0;
	const sameLog = since.logEpoch === "" || since.logEpoch === known.logEpoch;
	return proves(known, since) || known.whole && sameLog && since.offset <= known.top;
}
// src/shard/subscriptions/followed-channel.ts
var FollowedChannel = class {
	listeners = new Set();
	#wantingPrevious = new Set();
	#channel;
	#effects;
	#recoveryLimit;
	#tail;
	#registration = new ChannelRegistration();
	#lookup;
	#heard = { kind: "unknown" };
	#waiting = 0;
	#applying;
	constructor(channel, parts) {
		const { effects, tail, recoveryLimit } = parts;
		this.#channel = channel;
		this.#effects = effects;
		this.#tail = tail;
		this.#recoveryLimit = recoveryLimit;
	}
	get isWanted() {
		return this.listeners.size > 0 || this.#waiting > 0;
	}
	get isRegistered() {
		return !this.#registration.isNone;
	}
	get position() {
		return this.#heard.kind === "known" ? {
			...this.#heard.position,
			durable: this.#heard.durable
		} : void 0;
	}
	assume() {
		if (!this.isRegistered) this.#registration.assume();
	}
	seed({ durable, logEpoch, offset }) {
		if (this.isRegistered || this.#heard.kind === "known") return;
		this.#registration.assume();
		this.#heard = {
			kind: "known",
			position: {
				logEpoch,
				offset
			},
			durable
		};
		this.#effects.positions.touch();
	}
	async listen(request, begin) {
		const { resume } = request;
		const start = (beginning) => {
			if (begin(beginning)) this.add(request);
		};
		this.#waiting += 1;
		try {
			await this.#registration.ensure({
				register: () => this.#register(),
				onAnswer: (answer, early) => this.#onRegistered(answer, early),
				onFailure: (early) => this.#applyEarly(early)
			});
			if (this.#heard.kind === "unknown" || !this.#heard.durable) return start({
				position: null,
				recovery: null
			});
			const { position } = this.#heard;
			if (resume === null) return start({
				position,
				recovery: null
			});
			const known = this.#remembered(position, resume);
			if (known !== void 0) return start(planBeginning(known, resume, this.#recoveryLimit));
			this.#lookup ??= this.#openLookup();
			const after = lookupAfter(resume, {
				top: position.offset,
				limit: this.#recoveryLimit,
				again: this.#tail.view(this.#channel) !== void 0
			});
			await this.#lookup.ask(after, (view) => start(planBeginning(view, resume, this.#recoveryLimit)));
		} finally {
			this.#waiting -= 1;
		}
	}
	add({ listener, wantsPrevious }) {
		this.listeners.add(listener);
		if (wantsPrevious) this.#wantingPrevious.add(listener);
	}
	leave(listener) {
		this.listeners.delete(listener);
		this.#wantingPrevious.delete(listener);
	}
	deliver(delivery) {
		const { early } = this.#registration;
		const delivered = () => ({
			kind: "delivered",
			sessions: this.listeners.size
		});
		if (early !== void 0) {
			early.push(delivery);
			return delivered();
		}
		const applied = this.#applyNext(delivery);
		return applied === void 0 ? delivered() : applied.then(delivered);
	}
	#register() {
		const position = this.#heard.kind === "known" ? this.#heard.position : null;
		return this.#effects.register(this.#channel, this.listeners.size > 0 ? { position } : null);
	}
	#onRegistered(answer, early) {
		if (answer === null) return this.#giveUp();
		const { logEpoch, offset, durable } = answer;
		this.#setHeard({
			logEpoch,
			offset
		}, { durable });
		this.#applyEarly(early);
	}
	#applyEarly(early) {
		const failed = (error) => logError("a delivery could not be applied", {
			channel: this.#channel,
			error
		});
		for (const delivery of early) try {
			this.#applyNext(delivery)?.catch(failed);
		} catch (error) {
			failed(error);
		}
	}
	#applyNext(delivery) {
		const applied = this.#applying === void 0 ? this.#apply(delivery) : this.#applying.then(() => this.#apply(delivery));
		if (applied === void 0) return void 0;
		const settled = applied.catch(() => void 0).finally(() => {
			if (this.#applying === settled) this.#applying = void 0;
		});
		this.#applying = settled;
		return applied;
	}
	#apply(delivery) {
		const { logEpoch, since: before } = delivery;
		const heard = this.#heard;
		if (heard.kind === "known" && heard.position.logEpoch === logEpoch && heard.position.offset >= before) {
			this.#take(delivery, heard.position);
			return;
		}
		const plan = planDelivery(this.#heard, delivery);
		if (plan.kind === "drop") return void 0;
		if (plan.giveUp) this.#giveUp();
		this.#heard = {
			...this.#heard,
			superseded: plan.superseded
		};
		if (plan.pull) return this.#pull(plan.from).then((from) => this.#take(delivery, from));
		this.#take(delivery, plan.from);
	}
	#take({ durable, entries }, from) {
		const events = [];
		let cleared = false;
		for (const event of entries) if (event.kind === "cleared") cleared = true;
		else if (event.kind !== "pub" || event.offset > from.offset) events.push(event);
		this.#advance({
			from,
			events,
			durable
		});
		if (!cleared) return;
		this.#tail.drop(this.#channel);
		this.#lookup?.clear();
	}
	async #pull(position) {
		const view = await this.#effects.view(this.#channel, position.offset);
		const recovery = planRecovery(view, position, Infinity);
		if (recovery.kind === "restart") this.#giveUp();
		else this.#advance({
			from: position,
			events: recovery.publications,
			durable: true
		});
		return {
			logEpoch: view.logEpoch,
			offset: view.top
		};
	}
	#advance({ from, events, durable }) {
		const channel = this.#channel;
		const publications = events.filter((event) => event.kind === "pub");
		const [first] = publications;
		this.#setHeard({
			logEpoch: from.logEpoch,
			offset: publications.at(-1)?.offset ?? from.offset
		}, { durable });
		let previous;
		if (durable && first !== void 0) {
			if (this.#wantingPrevious.size > 0) previous = this.#tail.at(channel, from.logEpoch, first.offset - 1);
			this.#tail.add(channel, from.logEpoch, publications);
			this.#lookup?.add(publications);
		}
		if (events.length > 0) this.#effects.emitter.emit({
			channel,
			events,
			durable,
			previous
		}, this.listeners);
	}
	#setHeard(position, { durable }) {
		this.#heard = {
			kind: "known",
			position,
			durable,
			superseded: this.#heard.superseded
		};
		this.#effects.positions.touch();
	}
	#remembered(position, resume) {
		const known = this.#tail.view(this.#channel);
		const isCurrent = known?.logEpoch === position.logEpoch && known.top >= position.offset;
		if (known !== void 0 && isCurrent && settles(known, resume)) return known;
		const { since } = resume;
		if (since.offset !== position.offset || since.logEpoch !== position.logEpoch) return void 0;
		return {
			logEpoch: position.logEpoch,
			top: position.offset,
			publications: []
		};
	}
	#openLookup() {
		const channel = this.#channel;
		return new Lookup({
			view: (after) => this.#effects.view(channel, after),
			learn: (view, after) => {
				const whole = after <= Math.max(0, view.top - this.#recoveryLimit);
				this.#tail.learn(channel, view, { whole });
			}
		});
	}
	#giveUp() {
		const listeners = [...this.listeners];
		this.listeners.clear();
		this.#wantingPrevious.clear();
		this.#heard = {
			kind: "unknown",
			superseded: this.#heard.superseded
		};
		this.#tail.drop(this.#channel);
		if (listeners.length > 0) this.#effects.giveUp(this.#channel, listeners);
	}
};
// src/shard/subscriptions/tail.ts
var Tail = class {
	#maxBytes;
	#maxPublications;
	#runs = new Map();
	#bytes = 0;
	constructor(limits) {
		this.#maxBytes = limits.tailBytes;
		this.#maxPublications = limits.recoveryMaxPublications;
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
		this.#shrink(run);
	}
	learn(channel, view, { whole }) {
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
		const run = {
			logEpoch: view.logEpoch,
			publications,
			top,
			bytes,
			whole
		};
		this.#use(channel, run);
		this.#shrink(run);
	}
	view(channel) {
		const run = this.#runs.get(channel);
		if (run === void 0) return void 0;
		this.#use(channel, run);
		return run;
	}
	at(channel, logEpoch, offset) {
		const run = this.#runs.get(channel);
		if (run === void 0 || run.logEpoch !== logEpoch) return void 0;
		return run.publications[run.publications.length - 1 - (run.top - offset)];
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
	#shrink(used) {
		this.#trim(used, used.publications.length - this.#maxPublications);
		for (const [channel, run] of this.#runs) {
			if (this.#bytes <= this.#maxBytes) return;
			if (this.#runs.size > 1) {
				this.drop(channel);
				continue;
			}
			run.whole = false;
			let excess = this.#bytes - this.#maxBytes;
			let count = 0;
			for (; excess > 0 && count < run.publications.length; count++) excess -= run.publications[count]?.body.length ?? 0;
			this.#trim(run, count);
			if (run.publications.length === 0) this.drop(channel);
		}
	}
	#trim(run, count) {
		if (count <= 0) return;
		const bytes = run.publications.splice(0, count).reduce((sum, { body }) => sum + body.length, 0);
		run.bytes -= bytes;
		this.#bytes -= bytes;
	}
};
// src/shard/subscriptions/channels.ts
var Channels = class {
	#effects;
	#recoveryLimit;
	#tail;
	#followed = new Map();
	#pinned;
	constructor(limits, effects, pinned) {
		this.#pinned = pinned;
		this.#recoveryLimit = limits.recoveryMaxPublications;
		this.#tail = new Tail(limits);
		this.#effects = effects;
	}
	get size() {
		return this.#followed.size - (this.#followed.has(this.#pinned ?? "") ? 1 : 0);
	}
	get subscriptions() {
		let sum = 0;
		for (const { listeners } of this.#followed.values()) sum += listeners.size;
		return sum;
	}
	seed(channel, at) {
		this.#follow(channel).seed(at);
	}
	async listen(channel, request, begin) {
		const followed = this.#follow(channel);
		if (channel === this.#pinned && followed.position !== void 0) followed.assume();
		try {
			await followed.listen(request, begin);
		} finally {
			if (!followed.isWanted && !followed.isRegistered && this.#followed.get(channel) === followed) this.#followed.delete(channel);
		}
	}
	restore(channel, request, kept) {
		const followed = this.#follow(channel);
		if (kept !== void 0) followed.seed(kept);
		followed.add(request);
	}
	leave(channel, listener) {
		this.#followed.get(channel)?.leave(listener);
	}
	counts() {
		return [...this.#followed].flatMap(([name, { listeners }]) => listeners.size > 0 && name !== this.#pinned ? [[name, listeners.size]] : []);
	}
	listenersOf(channel) {
		return this.#followed.get(channel)?.listeners ?? new Set();
	}
	follows(channel) {
		return this.#followed.has(channel);
	}
	positions() {
		const kept = new Map();
		for (const [channel, { position }] of this.#followed) if (position !== void 0) kept.set(channel, position);
		return kept;
	}
	hasListeners(channel) {
		if (channel === this.#pinned || this.#followed.get(channel)?.isWanted === true) return true;
		this.#followed.delete(channel);
		this.#tail.drop(channel);
		return false;
	}
	deliver(delivery) {
		const { channel } = delivery;
		if (!this.hasListeners(channel)) return {
			kind: "noListeners",
			sessions: 0
		};
		return this.#follow(channel).deliver(delivery);
	}
	#follow(channel) {
		let followed = this.#followed.get(channel);
		if (followed === void 0) {
			followed = new FollowedChannel(channel, {
				effects: this.#effects,
				tail: this.#tail,
				recoveryLimit: this.#recoveryLimit
			});
			this.#followed.set(channel, followed);
		}
		return followed;
	}
};
// src/shard/subscriptions/emitter.ts
var Emitter = class {
	#connections;
	#wire;
	#counters;
	constructor(parts) {
		this.#connections = parts.connections;
		this.#wire = parts.wire;
		this.#counters = parts.counters;
	}
	emit(batch, listeners) {
		if (listeners.size === 0) return;
		const { channel } = batch;
		const now = Date.now();
		this.#count(batch, listeners.size, now);
		const frames = this.#wire.encodeBatch(batch);
		for (const session of listeners) {
			const { attachment } = session;
			if (attachment.state !== "open") continue;
			const subscription = attachment.subscriptions.get(channel);
			if (subscription !== void 0) this.#connections.send(session, frames.frameFor(session, subscription), now);
		}
	}
	#count({ channel, events }, sessions, now) {
		if (channel === "ringcast:live") return;
		for (const event of events) {
			if (event.kind === "join" || event.kind === "leave") continue;
			this.#counters.counts.deliveries += sessions;
			if (this.#counters.isWatched && event.kind === "pub" && event.at !== void 0) this.#counters.sample(now - event.at);
		}
	}
};
// src/shard/subscriptions/log-calls.ts
var COORDINATOR_WAIT_MS = 1500;
var COORDINATOR_REST_MS = 900;
var LogCalls = class {
	#parts;
	#coordinatorRestsUntil = 0;
	constructor(parts) {
		this.#parts = parts;
	}
	register(channel, listening) {
		return this.#ask(channel, (log) => log.register(this.#parts.shard, listening, 2));
	}
	view(channel, after) {
		return this.#ask(channel, (log) => log.view(after, 2));
	}
	#ask(channel, call) {
		const { env, config } = this.#parts;
		const home = homeOf(config, channel);
		const ask = () => call(homeStub(env, home));
		return home.kind === "coordinator" ? this.#askCoordinator(ask) : callAgain(ask);
	}
	async #askCoordinator(ask) {
		if (Date.now() < this.#coordinatorRestsUntil) throw new Error("the coordinator did not answer just now");
		try {
			return await within(COORDINATOR_WAIT_MS, ask());
		} catch (error) {
			this.#coordinatorRestsUntil = Date.now() + COORDINATOR_REST_MS;
			throw error;
		}
	}
};
// src/shard/subscriptions/positions.ts
var WRITE_MS = 200;
var Positions = class {
	#ctx;
	#present;
	#isWriting = false;
	constructor(ctx, present) {
		this.#ctx = ctx;
		this.#present = present;
	}
	read() {
		return this.#ctx.storage.kv.get("positions") ?? new Map();
	}
	touch() {
		if (this.#isWriting) return;
		this.#isWriting = true;
		this.#ctx.waitUntil(this.#write());
	}
	async #write() {
		await scheduler.wait(WRITE_MS);
		this.#isWriting = false;
		this.#ctx.storage.kv.put("positions", this.#present());
	}
};
// src/shard/subscriptions/announcer.ts
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
		for (const [channel, events] of batches) this.#tell(channel, events).catch((error) => logError("joins and leaves were lost", {
			channel,
			events: events.length,
			error
		}));
	}
};
// src/shard/subscriptions/presence.ts
var Presence = class {
	#parts;
	#announcer;
	#elsewhere = new Map();
	constructor(parts) {
		const { env, config } = parts;
		this.#parts = parts;
		this.#announcer = new Announcer(config.cluster.times.joinLeaveBatchMs, (channel, events) => callAgain(() => channelStub(env, channel).announce(events, 2)));
	}
	announce({ kind, session, channel, held = false }) {
		const { config } = this.#parts;
		const parsed = parseChannel(channel, config.cluster.limits.channelBytes);
		if (!parsed.ok || namespaceOf(config, parsed.channel)?.join_leave !== true) return;
		const info = infoOf(session, channel);
		this.#announcer.announce(channel, {
			kind,
			user: info.user,
			body: encodePresenceEvent(info),
			held
		});
	}
	here(channel) {
		return [...this.#parts.listenersOf(channel)].map((session) => {
			const info = infoOf(session, channel);
			return {
				client: info.client,
				user: info.user,
				info: JSON.stringify(info)
			};
		});
	}
	async everywhere(channel) {
		const elsewhere = await this.#askElsewhere(channel);
		return new Map([...elsewhere, ...this.here(channel)].map((present) => [present.client, present]));
	}
	#askElsewhere(channel) {
		const { env, config, shard } = this.#parts;
		const maxAgeMs = config.cluster.times.presenceCacheMs;
		const now = Date.now();
		const known = this.#elsewhere.get(channel);
		if (known !== void 0 && now - known.at < maxAgeMs) return known.answer;
		for (const [name, { at }] of this.#elsewhere) if (now - at >= maxAgeMs) this.#elsewhere.delete(name);
		const answer = callAgain(() => channelStub(env, channel).presence(addressKey(shard), 2));
		this.#elsewhere.set(channel, {
			at: now,
			answer
		});
		answer.catch(() => this.#elsewhere.delete(channel));
		return answer;
	}
};
function infoOf({ attachment }, channel) {
	if (attachment.state !== "open") return describeClient({
		id: attachment.id,
		user: ""
	});
	const { id, user, connInfo, subscriptions } = attachment;
	return describeClient({
		id,
		user,
		connInfo,
		chanInfo: subscriptions.get(channel)?.chanInfo
	});
}
// src/shard/subscriptions/join.ts
async function join(session, { channel, user, wishes, subscription }, { config, channels, counters, remember, tell }) {
	const { since } = wishes;
	const tracking = planTracking({
		config,
		channel,
		user,
		recoverable: wishes.recoverable === true || since !== void 0,
		positioned: wishes.positioned === true,
		delta: wishes.delta
	});
	let joined = "gone";
	const begin = ({ position, recovery }) => {
		if (session.ended) return false;
		if (wishes.rejectUnrecovered === true && recovery?.kind === "restart") {
			joined = "unrecovered";
			return false;
		}
		const remembered = {
			...subscription,
			...position === null ? {} : { since: position.offset },
			...tracking.delta ? { delta: true } : {}
		};
		if (!remember(remembered)) {
			joined = "full";
			return false;
		}
		if (recovery !== null) counters.counts[recovery.kind === "resume" ? "resumed" : "notResumed"] += 1;
		tell({
			subscription: remembered,
			tracking,
			position,
			recovery,
			since
		});
		joined = "joined";
		return true;
	};
	const resume = tracking.recoverable && since !== void 0 ? {
		since,
		mode: tracking.mode
	} : null;
	await channels.listen(channel.name, {
		listener: session,
		resume,
		wantsPrevious: tracking.delta
	}, begin);
	return joined;
}
// src/shard/subscriptions/subscriptions.ts
var GIVE_UPS_PER_SECOND = 100;
var Subscriptions = class {
	presence;
	#parts;
	constructor(parts) {
		this.#parts = parts;
		this.presence = parts.presence;
	}
	wake(session, positions) {
		for (const [channel, { behind, delta }] of subscriptionsOf(session)) {
			if (behind !== void 0) continue;
			const request = {
				listener: session,
				wantsPrevious: delta === true
			};
			this.#parts.channels.restore(channel, request, positions.get(channel));
		}
	}
	async join(session, request, tell) {
		const { config, channels, counters } = this.#parts;
		const remember = (subscription) => this.remember(session, request.channel.name, subscription);
		try {
			return await join(session, request, {
				config,
				channels,
				counters,
				remember,
				tell
			});
		} finally {
			this.#lookAt(request.channel.name);
		}
	}
	leave(session, channel) {
		const { attachment } = session;
		if (attachment.state !== "open" || !attachment.subscriptions.has(channel)) return false;
		this.presence.announce({
			kind: "leave",
			session,
			channel
		});
		this.#stopListening(session, channel);
		this.#forget(session, attachment, channel);
		return true;
	}
	leaveAll(session, { moving }) {
		for (const channel of subscriptionsOf(session).keys()) {
			this.presence.announce({
				kind: "leave",
				session,
				channel,
				held: moving
			});
			this.#stopListening(session, channel);
		}
	}
	remember(session, channel, subscription) {
		const { attachment } = session;
		if (attachment.state !== "open") return false;
		const subscriptions = new Map(attachment.subscriptions).set(channel, subscription);
		return this.#parts.connections.sessions.remember(session, {
			...attachment,
			subscriptions
		});
	}
	count({ subscriptions }) {
		const { broadcast } = this.#parts.config.cluster;
		return subscriptions.size - (subscriptions.has(broadcast.channel) ? 1 : 0);
	}
	giveUp(channel, sessions) {
		const { connections, wire } = this.#parts;
		this.#lookAt(channel);
		for (const [n, session] of sessions.entries()) {
			const { attachment } = session;
			if (attachment.state !== "open") continue;
			const byServer = attachment.subscriptions.get(channel)?.byServer === true;
			this.#forget(session, attachment, channel);
			setTimeout(() => {
				if (byServer) return connections.end(session, "insufficientState");
				const notice = {
					kind: "unsubscribed",
					channel,
					why: "insufficientState"
				};
				connections.send(session, wire.encodeNotice(session, notice));
			}, n / GIVE_UPS_PER_SECOND * 1e3);
		}
	}
	#forget(session, attachment, channel) {
		const subscriptions = new Map(attachment.subscriptions);
		subscriptions.delete(channel);
		this.#parts.connections.sessions.remember(session, {
			...attachment,
			subscriptions
		});
	}
	#stopListening(session, channel) {
		this.#parts.channels.leave(channel, session);
		this.#lookAt(channel);
	}
	#lookAt(channel) {
		if (!isBroadcast(this.#parts.config, channel)) this.#parts.emptyChannels.look(channel);
	}
};
// src/shard/floors.ts
function buildFloors(parts) {
	const { ctx, env, config, shard, front, hooks } = parts;
	const { cluster } = config;
	const { storage } = ctx;
	const { wire } = front;
	const wokeAt = Date.now();
	const timetable = new Timetable(storage);
	const arm = (duty, at) => timetable.arm(duty, at);
	const waitUntil = (promise) => ctx.waitUntil(promise);
	const counters = new Counters();
	const events = new Events({
		ctx,
		env,
		config,
		hooks,
		timetable,
		ordered: false
	});
	const sessionRows = new SessionRows(storage, events, {
		id: shard.id,
		region: shard.region
	});
	const emptyChannels = new EmptyChannels({
		storage,
		isWanted: () => events.wants("occupied") || events.wants("vacated"),
		graceMs: cluster.times.vacatedGraceMs,
		listeners: (channel) => channels.listenersOf(channel).size,
		follows: (channel) => channels.follows(channel),
		settle: (channel) => channelStub(env, channel).settle(addressKey(shard), 2),
		arm: (at) => waitUntil(arm("vacancies", at))
	});
	const connections = new Connections({
		ctx,
		cluster,
		wire,
		onOpen: (open) => sessionRows.add(open),
		onEnd: (session, { close, moving }) => {
			subscriptions.leaveAll(session, { moving });
			counters.counts[moving ? "moved" : "disconnects"] += 1;
			if (session.attachment.state === "open") sessionRows.delete(session.attachment, close);
		}
	});
	const logs = new LogCalls({
		env,
		config,
		shard
	});
	const emitter = new Emitter({
		connections,
		wire,
		counters
	});
	const positions = new Positions(ctx, () => channels.positions());
	const channels = new Channels(cluster.limits, {
		register: (channel, listening) => {
			if (!isBroadcast(config, channel)) emptyChannels.registers(channel);
			return logs.register(channel, listening);
		},
		view: (channel, after) => logs.view(channel, after),
		emitter,
		positions,
		giveUp: (channel, sessions) => subscriptions.giveUp(channel, sessions)
	}, cluster.broadcast.enabled ? cluster.broadcast.channel : void 0);
	const subscriptions = new Subscriptions({
		config,
		connections,
		channels,
		presence: new Presence({
			env,
			config,
			shard,
			listenersOf: (channel) => channels.listenersOf(channel)
		}),
		emptyChannels,
		counters,
		wire
	});
	const broadcast = new Broadcast({
		config,
		connections,
		subscriptions,
		wire
	});
	const status = () => ({
		sessions: connections.sessions.size,
		users: connections.sessions.users,
		channels: channels.size,
		subscriptions: channels.counts().reduce((sum, [, listeners]) => sum + listeners, 0),
		wokeAt,
		ringEpoch: moves.membership.ringEpoch,
		digest: moves.membership.digest
	});
	const moves = new Moves({
		storage,
		env,
		cluster,
		shard,
		connections,
		status,
		arm,
		waitUntil
	});
	const upgrades = new Upgrades({
		ctx,
		cluster,
		shard,
		connections,
		moves,
		timetable
	});
	const livePulse = new LivePulse({
		ctx,
		env,
		shard: shard.id,
		counters,
		vitals: () => ({
			ringEpoch: moves.membership.ringEpoch,
			sessions: connections.sessions.size,
			subscriptions: channels.subscriptions,
			channels: channels.size
		})
	});
	const { tokens, times } = cluster;
	const verifier = acceptOperator(createVerifier({
		tokens,
		hmacSecret: env.TOKEN_HMAC_SECRET
	}), env.API_KEY);
	const asker = new Asker(hooks, {
		env,
		shard,
		timeoutMs: times.hookTimeoutMs
	});
	const serve = front.serve({
		env,
		config,
		shard,
		connections,
		subscriptions,
		broadcast,
		verifier,
		asker,
		counters
	});
	const wake = (closing) => {
		const { sockets } = connections.wake(closing);
		const kept = sockets > 0 ? positions.read() : new Map();
		const heard = kept.get(cluster.broadcast.channel);
		if (cluster.broadcast.enabled && heard !== void 0) channels.seed(cluster.broadcast.channel, heard);
		for (const session of connections.sessions) {
			subscriptions.wake(session, kept);
			broadcast.wake(session);
		}
		sessionRows.wake(new Set([...connections.sessions].map(({ attachment }) => attachment.id)));
		emptyChannels.wake();
		livePulse.wake(Date.now());
	};
	return {
		timetable,
		connections,
		channels,
		subscriptions,
		broadcast,
		moves,
		upgrades,
		counters,
		events,
		emptyChannels,
		livePulse,
		serve,
		status,
		wake
	};
}
// src/shard/shard.ts
var Shard = class extends DurableObject {
	static front = void 0;
	static hooks = {};
	#config;
	#shard;
	#front;
	#floors;
	#awake = false;
	constructor(ctx, env) {
		super(ctx, env);
		const { front, hooks } = new.target;
		if (front === void 0 || front.name !== front.name.toLowerCase()) throw new Error("a shard's class names its front, in lower case");
		refuseNewerStorage(ctx.storage);
		const { pong, absorb } = front.wire.heartbeat;
		this.#front = front;
		this.#config = configOf(env);
		this.#shard = addressOfObject(front.name, ctx.id.name);
		this.#floors = buildFloors({
			ctx,
			env,
			config: this.#config,
			shard: this.#shard,
			front,
			hooks
		});
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pong, absorb));
	}
	async fetch(request) {
		const header = request.headers.get(ROUTE_HEADER);
		if (header === null) return new Response("only the router connects to a shard", { status: 400 });
		const route = decodeRoute(header);
		this.#answer(route.contract);
		return this.#floors.upgrades.take(route, request.headers.get("sec-websocket-protocol"));
	}
	async webSocketMessage(socket, message) {
		this.#wake();
		const { connections, counters, serve } = this.#floors;
		const session = connections.sessions.bySocket.get(socket);
		if (session === void 0) return;
		session.lastFrameAt = Date.now();
		counters.counts.frames += 1;
		if (typeof message !== "string") return connections.end(session, "badRequest");
		if (isLongerThan(message, this.#config.cluster.limits.frameBytes)) return connections.end(session, "messageTooBig");
		await connections.inOrder(session, () => serve(session, message));
		await this.#armSweep(session);
	}
	webSocketClose(socket, code, reason) {
		this.#wake(socket);
		this.#floors.connections.lost(socket, {
			code,
			reason
		});
		if (code === 1006) return;
		socket.close(code === 1005 || code === 1015 ? 1e3 : code, reason);
	}
	webSocketError(socket) {
		this.#wake(socket);
		this.#floors.connections.lost(socket, {
			code: 1006,
			reason: ""
		});
		socket.serializeAttachment({
			state: "closing",
			id: ""
		});
		const { code, reason } = this.#front.wire.closeFor("messageTooBig");
		try {
			socket.close(code, reason);
		} catch {}
	}
	async alarm() {
		this.#wake();
		const parts = {
			floors: this.#floors,
			times: this.#config.cluster.times,
			wire: this.#front.wire
		};
		await this.#floors.timetable.run(Date.now(), (duty, dueAt) => runDuty(duty, {
			now: Date.now(),
			dueAt
		}, parts));
	}
	async adopt(descriptor, broadcast, contract) {
		this.#answer(contract);
		const { channel, enabled } = this.#config.cluster.broadcast;
		if (broadcast !== void 0 && enabled) this.#floors.channels.seed(channel, broadcast);
		await this.#floors.moves.adopt(descriptor);
	}
	predict(descriptor, contract) {
		this.#answer(contract);
		return this.#floors.moves.predict(descriptor);
	}
	status(contract) {
		this.#answer(contract);
		return this.#floors.status();
	}
	watch(until, contract) {
		this.#answer(contract);
		this.#floors.livePulse.watch(until, Date.now());
	}
	deliver(delivery, contract) {
		this.#answer(contract);
		return this.#floors.channels.deliver(delivery);
	}
	attends(channel, contract) {
		this.#answer(contract);
		return this.#floors.channels.hasListeners(channel);
	}
	presenceHere(channel, contract) {
		this.#answer(contract);
		return this.#floors.subscriptions.presence.here(channel);
	}
	channelsHere(pattern, limit, contract) {
		this.#answer(contract);
		const counts = this.#floors.channels.counts();
		const matching = pattern === "" ? counts : counts.filter(([name]) => fits(pattern, name));
		return Object.fromEntries(matching.slice(0, limit));
	}
	sessionsOf(user, contract) {
		this.#answer(contract);
		return this.#floors.connections.sessions.ofUser(user).map((session) => ({
			client: session.attachment.id,
			user,
			key: session.attachment.key,
			shard: this.#shard.id,
			connectedAt: session.attachment.openedAt,
			channels: [...subscriptionsOf(session).keys()].filter((name) => !isBroadcast(this.#config, name))
		}));
	}
	async carryOut(order, target, contract) {
		this.#answer(contract);
		if (order.kind === "deliver") {
			const { registration = 0, mayRepeat = true } = target;
			return doneTo1(await this.#floors.channels.deliver({
				...order.delivery,
				registration,
				mayRepeat
			}));
		}
		const reached = await this.#act(order.action);
		return isContract1(contract) ? doneTo1(reached) : reached;
	}
	async sendOwned(message, contract) {
		this.#answer(contract);
		const { ringEpoch, ...sent } = message;
		const spilled = this.#floors.upgrades.hasSpilled;
		const known = this.#floors.moves.membership.ring?.descriptor;
		const answer = known !== void 0 && known.epoch > ringEpoch ? {
			kind: "newer",
			descriptor: known,
			spilled
		} : {
			kind: "sent",
			reached: await this.#act({
				kind: "send",
				...sent
			}),
			spilled
		};
		return isContract1(contract) ? sentTo1(answer) : answer;
	}
	async relay(branch, contract) {
		this.#answer(contract);
		const outcomes = isDeliverBranch(branch) ? await Promise.all(branch.targets.map((target) => outcomeOf(target, branch.waitMs, async () => {
			if (!this.#is(target)) return deliverOne(this.env, branch.order, target);
			const { registration, mayRepeat } = target;
			return this.#floors.channels.deliver({
				...branch.order.delivery,
				registration,
				mayRepeat
			});
		}))) : await Promise.all(branch.targets.map((target) => outcomeOf(target, branch.waitMs, () => this.#is(target) ? this.#act(branch.order.action) : actOnOne(this.env, branch.order, target))));
		return isContract1(contract) ? outcomesTo1(outcomes) : outcomes;
	}
	crash() {
		this.ctx.abort("crashed by the operator");
	}
	#answer(contract = 1) {
		if (contract !== 2) checkContract(contract);
		this.#wake();
	}
	#wake(...closing) {
		if (this.#awake) return;
		this.#awake = true;
		this.#floors.wake(closing);
	}
	#is(target) {
		const { front, name } = readAddress(target);
		return front === this.#shard.front && name === this.#shard.name;
	}
	async #act(action) {
		const { connections, subscriptions } = this.#floors;
		const reached = await act({
			config: this.#config,
			connections,
			subscriptions,
			wire: this.#front.wire
		}, action);
		if (action.kind === "send") return reached;
		for (const user of reached.users.keys()) for (const session of connections.sessions.ofUser(user)) await this.#armSweep(session);
		return reached;
	}
	async #armSweep(session) {
		if (session.ended) return;
		const deadline = nextDeadline(session, this.#config.cluster.times, Date.now());
		if (deadline !== void 0) await this.#floors.timetable.arm("sweep", deadline);
	}
};
function isLongerThan(text, limit) {
	if (text.length > limit) return true;
	if (text.length * 3 <= limit) return false;
	return new TextEncoder().encode(text).byteLength > limit;
}
// test/sim/release.ts
var classesWith = (hooks) => ({
	Shard: class extends Shard {
		static front = centrifugeFront();
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
		return publish({
			env: this.#env,
			config: configOf(this.#env),
			cache: this.#cache
		}, params);
	}
};
export { Router, classesWith };
