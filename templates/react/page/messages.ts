import type { PublicationContext } from "centrifuge";
import { useEffect, useState } from "react";
import { useChannel } from "ringcast/react";
import type { Message } from "../src/channels";
import type { RoomProps } from "./room";

const KEPT = 100;

type Line = { readonly offset: number; readonly user: string; readonly text: string };
type Published = Pick<PublicationContext, "data" | "info" | "offset">;

/** The last messages of a channel: those that the cluster keeps, and each one that comes. */
export function useMessages(client: RoomProps["client"], name: RoomProps["channel"]): readonly Line[] {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const { status } = useChannel(client, name, {
    keep: 0,
    onPublication: (_, publication) => setLines((known) => add(known, [publication])),
  });
  useEffect(() => {
    if (status !== "subscribed") return;
    // A history that fails is asked for again when the client is back.
    client
      .channel(name)
      .history({ limit: KEPT })
      .then(({ publications }) => setLines((known) => add(known, publications)))
      .catch(console.warn);
  }, [client, name, status]);
  return lines;
}

/** A message that is in the history and also came has one line. */
function add(known: readonly Line[], publications: readonly Published[]): readonly Line[] {
  const lines = new Map(known.map((line) => [line.offset, line]));
  for (const { data, info, offset = 0 } of publications)
    lines.set(offset, { offset, user: info?.user ?? "the server", text: (data as Message).text });
  return [...lines.values()].sort((a, b) => a.offset - b.offset).slice(-KEPT);
}
