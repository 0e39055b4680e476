import { signal } from "@preact/signals";
import type { ClientInfo, PublicationContext, Subscription } from "centrifuge";
import { addHistory, addLines, showData, type ChannelLine } from "../model/channel-view.ts";
import { server } from "./api.ts";
import { messageOf } from "./change.ts";
import { unwatch, watch } from "./live.ts";

/** The one channel that the page looks into. */

export type Present = { readonly client: string; readonly user: string };

export const watched = signal<string | undefined>(undefined);
export const watchState = signal<string>("");
export const lines = signal<readonly ChannelLine[]>([]);
export const present = signal<readonly Present[]>([]);
export const problem = signal<string | undefined>(undefined);

/** A busy channel is repainted this often, whatever comes. */
const PAINT_MS = 150;

let subscription: Subscription | undefined;
let waiting: ChannelLine[] = [];
let painting = false;

export function stop(): void {
  if (subscription !== undefined) unwatch(subscription);
  subscription = undefined;
  waiting = [];
  watched.value = undefined;
  watchState.value = "";
}

export function look(channel: string): void {
  stop();
  lines.value = [];
  present.value = [];
  problem.value = undefined;
  watched.value = channel;
  const fresh = watch(channel);
  subscription = fresh;
  fresh.on("state", ({ newState }) => (watchState.value = newState));
  fresh.on("error", ({ error }) => (problem.value = error.message));
  fresh.on("subscribed", () => {
    problem.value = undefined;
    void askPresence(channel);
  });
  fresh.on("publication", (publication) => add(lineOf(publication)));
  fresh.on("join", ({ info }) => add({ kind: "join", who: nameOf(info), at: Date.now() }));
  fresh.on("leave", ({ info }) => add({ kind: "leave", who: nameOf(info), at: Date.now() }));
  fresh.subscribe();
}

export async function askHistory(channel: string): Promise<void> {
  await ask(channel, async () => {
    const { publications } = await server<{ publications: readonly Kept[] }>("history", {
      channel,
      limit: 50,
      reverse: true,
    });
    const kept = publications.map((one) => lineOf({ ...one, at: undefined }));
    if (watched.value === channel) lines.value = addHistory(lines.value, kept);
  });
}

export async function askPresence(channel: string): Promise<void> {
  await ask(channel, async () => {
    const answer = await server<{ presence: Record<string, ClientInfo> }>("presence", { channel });
    if (watched.value === channel)
      present.value = Object.values(answer.presence).map(({ client, user }) => ({ client, user }));
  });
}

type Kept = Pick<PublicationContext, "data" | "offset" | "info">;

async function ask(channel: string, question: () => Promise<void>): Promise<void> {
  try {
    await question();
  } catch (error) {
    if (watched.value === channel) problem.value = messageOf(error);
  }
}

function lineOf(publication: Kept & { readonly at?: number | undefined }): ChannelLine {
  const { data, offset, info } = publication;
  return {
    kind: "publication",
    offset,
    data: showData(data),
    from: info === undefined ? "" : nameOf(info),
    at: "at" in publication ? publication.at : Date.now(),
  };
}

const nameOf = ({ user, client }: { readonly user: string; readonly client: string }): string =>
  user === "" ? client.slice(0, 8) : user;

function add(line: ChannelLine): void {
  waiting.unshift(line);
  if (painting) return;
  painting = true;
  setTimeout(() => {
    painting = false;
    const fresh = waiting;
    waiting = [];
    if (watched.value !== undefined) lines.value = addLines(lines.value, fresh);
  }, PAINT_MS);
}
