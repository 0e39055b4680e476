import { createRingcast } from "../../../src/ringcast.ts";
import { channels } from "./channels.ts";

const ringcast = createRingcast({
  channels,
  hooks: {
    onRpc({ method }) {
      // The fault that `expectToSleep` finds.
      if (method === "stay awake") setTimeout(() => undefined, 5_000);
      return { data: method };
    },
  },
});

export default ringcast.handler;
export class Shard extends ringcast.Shard {}
export class Channel extends ringcast.Channel {}
export class Coordinator extends ringcast.Coordinator {}
