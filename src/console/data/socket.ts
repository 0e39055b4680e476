import { clusterUrl } from "../model/cluster-url.ts";

/**
 * A `WebSocket` class for the stock SDK that also reports two things that the SDK keeps to itself: the shard that took
 * a connection (`node` of the connect reply), and a socket that closed before it opened.
 */
export function observedWebSocket(observer: {
  readonly onNode: (node: string) => void;
  readonly onRefused: () => void;
}): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      let opened = false;
      const readNode = ({ data }: MessageEvent): void => {
        const node = typeof data === "string" ? nodeOf(data) : undefined;
        if (node === undefined) return;
        this.removeEventListener("message", readNode);
        observer.onNode(node);
      };
      this.addEventListener("message", readNode);
      this.addEventListener("open", () => (opened = true));
      this.addEventListener("close", () => {
        if (!opened) observer.onRefused();
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

/** The WebSocket address of the cluster for a client with this key. */
export function endpoint(key: string): string {
  const url = clusterUrl(location.href, "connection/websocket");
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("key", key);
  return url.href;
}
