import { Centrifuge } from "centrifuge";
import { CONNECT_TIMEOUT_MS, type SimLink, type SimLinkParts } from "./sim-link.ts";
import { endpoint, observedWebSocket } from "./socket.ts";

/** A stock Centrifuge client. */
export function linkCentrifuge(parts: SimLinkParts): SimLink {
  const { key, token, target, newToken, step, receive, restart } = parts;
  let shard: string | undefined;
  const sdk = new Centrifuge(endpoint(key), {
    websocket: observedWebSocket({
      onNode: (node) => (shard = node),
      onRefused: () => step({ kind: "refused" }),
    }),
    token,
    timeout: CONNECT_TIMEOUT_MS,
    getToken: newToken,
  });
  const subscription = sdk.newSubscription(target);
  sdk.on("connecting", ({ code }) => step({ kind: "connecting", code }));
  sdk.on("connected", () => step({ kind: "connected", shard }));
  sdk.on("disconnected", ({ code }) => step({ kind: "disconnected", byHand: code === 0 }));
  subscription.on("subscribed", ({ streamPosition, wasRecovering, recovered }) => {
    // Recovered publications follow one by one. Any other subscription starts after the channel's newest publication.
    if (!(wasRecovering && recovered)) restart(streamPosition?.offset);
  });
  subscription.on("publication", ({ offset, data }) => receive({ offset, data }));
  // A broadcast arrives as a publication of a server-side subscription, outside of `subscription`.
  sdk.on("publication", ({ data }) => receive({ data }));
  sdk.on("message", ({ data }) => receive({ data }));
  subscription.subscribe();
  return {
    isStopped: () => sdk.state === "disconnected",
    connect: () => sdk.connect(),
    disconnect() {
      // The SDK emits no event for a client that is disconnected already, such as one before its first connect.
      if (sdk.state === "disconnected") step({ kind: "disconnected", byHand: true });
      sdk.disconnect();
    },
    pause: () => subscription.unsubscribe(),
    resume: () => subscription.subscribe(),
  };
}
