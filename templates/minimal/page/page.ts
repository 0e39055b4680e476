import { createClient } from "ringcast/client";
import type { channels } from "../src/channels";

const element = <Type extends HTMLElement = HTMLElement>(id: string): Type =>
  document.getElementById(id) as Type;
const enter = element<HTMLFormElement>("enter");
const say = element<HTMLFormElement>("say");
const text = element<HTMLInputElement>("text");

enter.addEventListener("submit", (event) => {
  event.preventDefault();
  enter.hidden = true;
  say.hidden = false;
  join(element<HTMLInputElement>("name").value);
});

function join(name: string): void {
  const client = createClient<typeof channels>({
    url: "/realtime",
    key: name,
    getToken: async () => {
      const response = await fetch(`/token?name=${encodeURIComponent(name)}`);
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()).token;
    },
  });
  const lobby = client.channel("chat:lobby");
  // `resume` says whether anything may be missing after the connection was lost.
  lobby.watch(() => {
    const { status, resume, error } = lobby.state;
    element("state").textContent =
      error?.message ?? (resume === "gap" ? `${status}, some messages are missing` : status);
  });
  lobby.listen(({ text: said }, { info }) => show(info?.user ?? "the server", said));
  say.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await lobby.publish({ text: text.value });
      text.value = "";
      element("problem").textContent = "";
    } catch (error) {
      element("problem").textContent = (error as { message: string }).message;
    }
  });
}

function show(user: string, said: string): void {
  const line = document.createElement("li");
  const who = document.createElement("strong");
  who.textContent = user;
  line.append(who, ` ${said}`);
  element("messages").append(line);
  line.scrollIntoView();
}
