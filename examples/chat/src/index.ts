import { createRingcast } from "ringcast";

const RUDE = /\b(damn|heck)\b/gi;

const ringcast = createRingcast({
  hooks: {
    // Each client gets the name that it gives. A real chat would read its session cookie here.
    authenticate({ request }) {
      const name = new URL(request.url).searchParams.get("name");
      return name === null ? undefined : { user: name, info: { name } };
    },
    onPublish({ data }) {
      if (typeof data !== "string") return { error: { code: 400, message: "say it in words" } };
      return { data: data.replace(RUDE, (word) => "*".repeat(word.length)) };
    },
    onRpc({ method, session, shard }) {
      if (method !== "whoami") return { error: { code: 404, message: "no such method" } };
      return { data: { user: session.user, shard: shard.id } };
    },
    onDisconnect({ session, reason }) {
      console.log(`${session.user} left: ${reason}`);
    },
  },
});

export default ringcast.handler;
export class Shard extends ringcast.Shard {}
export class Channel extends ringcast.Channel {}
export class Coordinator extends ringcast.Coordinator {}
