import { Centrifuge, type PublicationContext } from "centrifuge";

const element = <Type extends HTMLElement>(selector: string): Type => {
  const found = document.querySelector<Type>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
};
const room = element("#room");
const messages = element("#messages");
const problem = element("#problem");
const enter = element<HTMLFormElement>("#enter");
const say = element<HTMLFormElement>("#say");

/** The text in a form with one field. */
const typed = (form: HTMLFormElement): string => {
  const [value] = new FormData(form).values();
  return typeof value === "string" ? value : "";
};

enter.addEventListener("submit", (event) => {
  event.preventDefault();
  join(typed(enter));
  enter.hidden = true;
  room.hidden = false;
});

function join(name: string): void {
  const endpoint = new URL(`/connection/websocket?name=${encodeURIComponent(name)}`, location.href);
  endpoint.protocol = endpoint.protocol.replace("http", "ws");
  const client = new Centrifuge(endpoint.href);
  client.on("connecting", () => (element("#state").textContent = "connecting …"));
  client.on("connected", async () => {
    const { data } = await client.rpc("whoami", null);
    element("#state").textContent = `${data.user}, on ${data.shard}`;
  });
  client.on("disconnected", ({ reason }) => (element("#state").textContent = reason));

  const lobby = client.newSubscription("lobby");
  lobby.on("publication", show);
  lobby.on("subscribed", async () => {
    // The history has the messages before this subscription. Later gaps are filled by the cluster.
    if (messages.childElementCount === 0)
      for (const one of (await lobby.history({ limit: 50 })).publications) show(one);
    await showPresent();
  });
  lobby.on("join", showPresent);
  lobby.on("leave", showPresent);
  async function showPresent(): Promise<void> {
    const { clients } = await lobby.presence();
    const names = new Set(Object.values(clients).map(({ connInfo }) => connInfo.name));
    element("#present").textContent = [...names].toSorted().join(", ");
  }
  say.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await lobby.publish(typed(say));
      say.reset();
      problem.textContent = "";
    } catch (error) {
      problem.textContent = `The message was not sent: ${(error as { message: string }).message}`;
    }
  });
  lobby.subscribe();
  client.connect();
}

function show({ data, info }: Pick<PublicationContext, "data" | "info">): void {
  const line = document.createElement("li");
  const who = document.createElement("strong");
  who.textContent = info?.connInfo.name ?? "unknown";
  line.append(who, ` ${data}`);
  messages.append(line);
  line.scrollIntoView();
}
