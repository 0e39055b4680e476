import { createClient } from "ringcast/client";
import type { channels } from "../src/channels";

export type ChatClient = ReturnType<typeof createChatClient>;

/** A client whose channels have the types of the server's schemas. It connects when a component uses a channel. */
export function createChatClient(name: string) {
  return createClient<typeof channels>({
    url: "/realtime",
    key: name,
    getToken: async () => {
      const response = await fetch(`/token?name=${encodeURIComponent(name)}`);
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()).token;
    },
  });
}
