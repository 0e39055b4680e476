/**
 * The browser's WebSocket, looked over the shoulder of: the stock SDK tells neither which shard took a connection
 * (`node` of the connect reply) nor that a socket was closed before it opened.
 */
export function watchedSocket(seen: {
  readonly onNode: (node: string) => void;
  readonly onRefused: () => void;
}): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      let opened = false;
      const read = ({ data }: MessageEvent): void => {
        const node = typeof data === "string" ? nodeOf(data) : undefined;
        if (node === undefined) return;
        this.removeEventListener("message", read);
        seen.onNode(node);
      };
      this.addEventListener("message", read);
      this.addEventListener("open", () => (opened = true));
      this.addEventListener("close", () => {
        if (!opened) seen.onRefused();
      });
    }
  };
}

function nodeOf(frame: string): string | undefined {
  for (const line of frame.split("\n")) {
    if (!line.includes('"connect"')) continue;
    const { connect } = JSON.parse(line) as { connect?: { node?: string } };
    if (connect?.node !== undefined) return connect.node;
  }
  return undefined;
}

export function endpoint(key: string): string {
  const url = new URL("/connection/websocket", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("key", key);
  return url.href;
}
