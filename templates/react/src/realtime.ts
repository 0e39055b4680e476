import { createRingcast } from "ringcast";
import { channels, type Message } from "./channels";

export const realtime = createRingcast({
  basePath: "/realtime",
  channels,
  hooks: {
    // Decides over each message of a client, after its schema: change it, refuse it, or return nothing.
    onPublish({ data }) {
      const text = (data as Message).text.trim();
      return text === "" ? { error: { code: 400, message: "say something" } } : { data: { text } };
    },
  },
});
