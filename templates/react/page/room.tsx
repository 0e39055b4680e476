import { useActionState } from "react";
import { useChannel, useConnection, usePresence } from "ringcast/react";
import type { ChatClient } from "./client";
import { useMessages } from "./messages";

export type RoomProps = { readonly client: ChatClient; readonly channel: `chat:${string}` };

export function Room({ client, channel }: RoomProps) {
  const messages = useMessages(client, channel);
  const { members } = usePresence(client, channel);
  const names = new Set(members?.map(({ user }) => user));
  return (
    <>
      <State client={client} channel={channel} />
      <p>
        Here: <span id="present">{[...names].sort().join(", ")}</span>
      </p>
      <ol aria-live="polite" aria-label="Messages">
        {messages.map(({ offset, user, text }) => (
          <li key={offset}>
            <strong>{user}</strong> {text}
          </li>
        ))}
      </ol>
      <Say client={client} channel={channel} />
    </>
  );
}

const RESUMED = { fresh: "", complete: ", nothing was missed", gap: ", some messages were missed" } as const;

/** Shows the connection, and after it was lost whether anything was missed meanwhile. */
function State({ client, channel }: RoomProps) {
  const { status } = useConnection(client);
  const { resume = "fresh", error } = useChannel(client, channel, { keep: 0 });
  const connection = status === "connected" ? `connected${RESUMED[resume]}` : `${status} …`;
  return <p role="status">{error?.message ?? connection}</p>;
}

function Say({ client, channel }: RoomProps) {
  const [{ text, problem }, say] = useActionState(
    async (_: unknown, form: FormData) => {
      const text = String(form.get("text"));
      try {
        await client.channel(channel).publish({ text });
        return { text: "", problem: "" };
      } catch (error) {
        return { text, problem: (error as { message: string }).message };
      }
    },
    { text: "", problem: "" },
  );
  return (
    <form action={say}>
      <label>
        Message <input name="text" defaultValue={text} required maxLength={2000} autoComplete="off" />
      </label>{" "}
      <button>Send</button>
      <p role="alert">{problem}</p>
    </form>
  );
}
