import { createElement, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import WebSocket from "ws";
import { createClient } from "../../../src/client/client.ts";
import { useChannel, useConnection, usePresence } from "../../../src/react/react.ts";

test("[PK12] a server renders what is so before anything is connected, whatever the client has meanwhile", () => {
  const client = createClient({ url: "http://127.0.0.1:9", websocket: WebSocket });
  // Made with the stock client before: the channel takes its state.
  client.centrifuge.newSubscription("chat").subscribe();
  const channel = client.channel("chat");
  expect([channel.subscription.state, channel.state.status]).toEqual(["subscribing", "subscribing"]);
  const Page = (): ReactNode => {
    const { data, error, resume, status } = useChannel(client, "chat");
    const { members } = usePresence(client, "chat");
    const connection = useConnection(client);
    return JSON.stringify({ data, error, resume, status, members, connection });
  };
  const shown = renderToString(createElement(Page)).replaceAll("&quot;", '"');
  expect(JSON.parse(shown)).toEqual({
    data: [],
    status: "unsubscribed",
    connection: { status: "disconnected" },
  });
  client.disconnect();
});
