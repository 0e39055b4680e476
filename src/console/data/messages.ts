import { signal } from "@preact/signals";
import { readTyped } from "../model/typed-data.ts";
import { callServerApi, messageOf, type SendOutcome } from "./api.ts";

/** The form of messages, and the message that repeats. Both stay while the operator looks at other pages. */

export type MessageKind = "publish" | "send" | "broadcast";

/** `published`: into a channel's log; offset 0 where the channel keeps no history. `sent`: to sessions directly. */
export type MessageOutcome =
  | { readonly state: "none" | "sending" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "published"; readonly offset: number; readonly logEpoch: string; readonly ms: number }
  | { readonly state: "sent"; readonly outcome: SendOutcome };

const BROADCAST_CHANNEL = "ringcast:broadcast";

export const messageKind = signal<MessageKind>("publish");
export const messageChannel = signal("lobby");
export const messageUser = signal("sim-1");
export const messageMode = signal("auto");
export const messageData = signal("hello");
export const messageOutcome = signal<MessageOutcome>({ state: "none" });

/** The choices for a message that repeats, per second. */
export const REPEAT_RATES = [1, 5, 20] as const;
export const repeatRate = signal<number>(5);

/** A message that repeats until the operator stops it. `to`: a channel, or everybody. */
export type Repeat = { readonly to: string; readonly perSecond: number; readonly sent: number };
export const repeat = signal<Repeat | undefined>(undefined);

/** Sends the form's message, with the time of sending, by which this page's simulated clients measure the arrival. */
type Send = () => Promise<MessageOutcome>;

export async function sendMessage(): Promise<void> {
  const send = readForm();
  if (send === undefined) return;
  messageOutcome.value = { state: "sending" };
  await sendAndShow(send);
}

let timer: ReturnType<typeof setInterval> | undefined;

/** Repeats the form's message as it is now, whatever the operator types later. */
export function startRepeat(): void {
  stopRepeat();
  const send = readForm();
  if (send === undefined) return;
  const perSecond = repeatRate.value;
  const to = messageKind.value === "broadcast" ? "everybody" : messageChannel.value;
  repeat.value = { to, perSecond, sent: 0 };
  // Each call starts on time, also while an earlier one is running.
  timer = setInterval(() => void repeatOnce(send), 1_000 / perSecond);
}

export function stopRepeat(): void {
  clearInterval(timer);
  timer = undefined;
  repeat.value = undefined;
}

async function repeatOnce(send: Send): Promise<void> {
  const isSent = await sendAndShow(send);
  if (!isSent) stopRepeat();
  else if (repeat.value !== undefined) repeat.value = { ...repeat.value, sent: repeat.value.sent + 1 };
}

async function sendAndShow(send: Send): Promise<boolean> {
  try {
    messageOutcome.value = await send();
    return true;
  } catch (error) {
    messageOutcome.value = { state: "failed", message: messageOf(error) };
    return false;
  }
}

/** Shows the reason where the form has no message. */
function readForm(): Send | undefined {
  const typed = readTyped(messageData.value);
  if (typed.kind === "broken") {
    const message = `${typed.problem}; text that begins so goes in quotes`;
    messageOutcome.value = { state: "failed", message };
    return undefined;
  }
  const dataNow = () => ({ text: typed.value, sentAt: Date.now() });
  const [channel, user, mode] = [messageChannel.value, messageUser.value, messageMode.value];
  switch (messageKind.value) {
    case "publish":
      return () => publish(channel, dataNow());
    case "send":
      return () => sendToSessions("send", { user, data: dataNow(), mode });
    case "broadcast":
      return () => sendToSessions("publish", { channel: BROADCAST_CHANNEL, data: dataNow(), report: true });
  }
}

async function publish(channel: string, data: unknown): Promise<MessageOutcome> {
  const started = performance.now();
  const { offset = 0, epoch = "" } = await callServerApi<{ offset?: number; epoch?: string }>("publish", {
    channel,
    data,
  });
  return { state: "published", offset, logEpoch: epoch, ms: performance.now() - started };
}

async function sendToSessions(method: "send" | "publish", body: unknown): Promise<MessageOutcome> {
  return { state: "sent", outcome: await callServerApi<SendOutcome>(method, body) };
}
