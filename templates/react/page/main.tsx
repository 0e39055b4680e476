import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { createChatClient, type ChatClient } from "./client";
import { Room } from "./room";
import "./style.css";

function App() {
  const [client, setClient] = useState<ChatClient>();
  return (
    <main>
      <h1>Lobby</h1>
      {client === undefined ? (
        <form action={(form) => setClient(createChatClient(String(form.get("name"))))}>
          <p>Open this page twice, under two names.</p>
          <label>
            Your name <input name="name" required maxLength={40} autoComplete="nickname" />
          </label>{" "}
          <button>Enter</button>
        </form>
      ) : (
        <Room client={client} channel="chat:lobby" />
      )}
    </main>
  );
}

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
