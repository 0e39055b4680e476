import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "../../../src/client/client.ts";
import { useChannel, useConnection, usePresence } from "../../../src/react/react.ts";
import type { channels } from "../entries/channels.ts";

const url = new URLSearchParams(location.search).get("cluster") ?? "";
const client = createClient<typeof channels>({
  url,
  key: "ann",
  minReconnectDelay: 50,
  maxReconnectDelay: 200,
});

function Room() {
  const { data, status, resume, publish } = useChannel(client, "chat:lobby");
  const { members } = usePresence(client, "chat:lobby");
  const [failure, setFailure] = useState("");
  const send = (one: { text: string }) => publish(one).catch((error: Error) => setFailure(error.message));
  return (
    <section>
      <p id="channel">
        {status} {resume}
      </p>
      <p id="members">{members?.length}</p>
      <p id="data">{data.map(({ text }) => text).join(",")}</p>
      <p id="failure">{failure}</p>
      <button id="say" onClick={() => void send({ text: "from the page" })} />
      <button id="wrong" onClick={() => void send({ text: 1 } as unknown as { text: string })} />
    </section>
  );
}

function App() {
  const [isOpen, setOpen] = useState(true);
  const { status } = useConnection(client);
  return (
    <main>
      <p id="connection">{status}</p>
      <button id="toggle" onClick={() => setOpen(!isOpen)} />
      {isOpen ? <Room /> : undefined}
    </main>
  );
}

const root = document.querySelector("#root");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
