import { io, type Socket } from "socket.io-client";
import type { ToClient, ToServer } from "../src/events.ts";

/** A user who has not typed for so long has stopped. */
const TYPING_MS = 400;
/** A message without an answer for so long is sent again. */
const ANSWER_MS = 5_000;

const element = <Type extends HTMLElement>(selector: string): Type => {
  const found = document.querySelector<Type>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
};
const login = element<HTMLFormElement>("#login");
const say = element<HTMLFormElement>("#say");
const messages = element("#messages");
const typing = element("#typing");

/** The text of a field. */
const field = (form: HTMLFormElement, name: string): string => {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value.trim() : "";
};

login.addEventListener("submit", (event) => {
  event.preventDefault();
  enter(field(login, "username"), field(login, "room"));
  login.hidden = true;
  element("#chat").hidden = false;
  element("#say input").focus();
});

function enter(username: string, room: string): void {
  const socket: Socket<ToClient, ToServer> = io();
  const state = element("#state");
  let isIn = false;
  /** Messages that the room does not have yet, as far as the page knows, in their order. */
  const unsent: { readonly id: string; readonly message: string; readonly line: HTMLElement }[] = [];
  let isSending = false;

  async function comeIn(): Promise<void> {
    while (socket.connected && !isIn) {
      try {
        await socket.timeout(ANSWER_MS).emitWithAck("add user", username, room);
      } catch {
        continue;
      }
      isIn = true;
      state.textContent = `${username} in ${room}`;
      void sendAll();
    }
  }

  // An event without an acknowledgement may be lost while the connection moves. These wait, and are sent again.
  async function sendAll(): Promise<void> {
    if (isSending) return;
    isSending = true;
    for (let next = unsent[0]; isIn && next !== undefined; next = unsent[0]) {
      try {
        await socket.timeout(ANSWER_MS).emitWithAck("new message", next.id, next.message);
      } catch {
        continue;
      }
      next.line.className = "";
      unsent.shift();
    }
    isSending = false;
  }

  socket.on("connect", () => void comeIn());
  socket.on("disconnect", (reason) => {
    isIn = false;
    state.textContent = `connecting … (${reason})`;
  });
  socket.on("login", ({ numUsers }) => {
    log(`Welcome to Socket.IO Chat`);
    log(participants(numUsers));
  });
  socket.on("user joined", (who) => {
    log(`${who.username} joined`);
    log(participants(who.numUsers));
  });
  socket.on("user left", (who) => {
    log(`${who.username} left`);
    log(participants(who.numUsers));
    showTyping(who.username, false);
  });
  const heard = new Set<string>();
  socket.on("new message", (one) => {
    showTyping(one.username, false);
    if (heard.has(one.id)) return;
    heard.add(one.id);
    showMessage(one.username, one.message);
  });
  socket.on("typing", (who) => showTyping(who.username, true));
  socket.on("stop typing", (who) => showTyping(who.username, false));

  let stopping: ReturnType<typeof setTimeout> | undefined;
  const stopTyping = (): void => {
    if (stopping === undefined) return;
    clearTimeout(stopping);
    stopping = undefined;
    socket.emit("stop typing");
  };
  say.addEventListener("input", () => {
    if (!socket.connected) return;
    if (stopping === undefined) socket.emit("typing");
    clearTimeout(stopping);
    stopping = setTimeout(stopTyping, TYPING_MS);
  });
  say.addEventListener("submit", (event) => {
    event.preventDefault();
    const message = field(say, "message");
    if (message === "") return;
    say.reset();
    const line = showMessage(username, message);
    line.className = "unsent";
    const id = crypto.randomUUID();
    heard.add(id);
    unsent.push({ id, message, line });
    void sendAll();
    stopTyping();
  });
}

const participants = (count: number): string =>
  count === 1 ? "there's 1 participant" : `there are ${count} participants`;

function log(text: string): void {
  const line = document.createElement("li");
  line.className = "log";
  line.textContent = text;
  append(line);
}

function showMessage(username: string, message: string): HTMLElement {
  const line = document.createElement("li");
  const hue = hueOf(username);
  const name = document.createElement("strong");
  name.textContent = username;
  name.style.color = `light-dark(hsl(${hue} 70% 30%), hsl(${hue} 70% 75%))`;
  line.append(name, ` ${message}`);
  append(line);
  return line;
}

function append(line: HTMLElement): void {
  messages.append(line);
  line.scrollIntoView();
}

function showTyping(username: string, isTyping: boolean): void {
  const known = [...typing.children].find(
    (one) => one instanceof HTMLElement && one.dataset["name"] === username,
  );
  if (!isTyping) return known?.remove();
  if (known !== undefined) return;
  const line = document.createElement("li");
  line.dataset["name"] = username;
  line.textContent = `${username} is typing`;
  typing.append(line);
}

/** The same colour for a name on every screen. */
const hueOf = (name: string): number =>
  [...name].reduce((hue, char) => (hue * 31 + char.charCodeAt(0)) % 360, 7);
