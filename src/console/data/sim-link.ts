import type { SimClientEvent } from "../model/sim-client-view.ts";

/** The kinds of simulated clients: the stock SDK of each of the two protocols. */
export type SimKind = "centrifuge" | "socketio";

/** What the page does with the stock SDK of one simulated client. */
export type SimLink = {
  /** The operator has stopped the client, or it has not been started. */
  readonly isStopped: () => boolean;
  readonly connect: () => void;
  readonly disconnect: () => void;
  /** Leaves the channel or the room, and enters it again; undefined where the SDK cannot. */
  readonly pause: () => void;
  readonly resume: () => void;
};

export type SimLinkParts = {
  readonly key: string;
  readonly token: string;
  /** The channel, or the room. */
  readonly target: string;
  /** Of Socket.IO clients. */
  readonly path: string;
  /** Signs a new token when the present one has expired. */
  readonly newToken: () => Promise<string>;
  readonly step: (event: SimClientEvent) => void;
  /** Something has arrived; the offset is that of a publication that is kept. */
  readonly receive: (received: { readonly offset?: number | undefined; readonly data: unknown }) => void;
  /** No offset that came before counts any more. */
  readonly restart: (offset: number | undefined) => void;
};

/** Longer than the default of the SDKs: 200 clients that connect at once wait for each other. */
export const CONNECT_TIMEOUT_MS = 15_000;
