import type { Frame } from "../frame.ts";

/**
 * An end of a connection that is in the memory of its object, for a front whose protocol is not of WebSockets alone. It
 * does not sleep: its front MUST keep the object awake with a timer, and the session ends with the object's memory.
 */
export type MemoryPeer = {
  readonly inMemory: true;
  /** The length of the frames that wait for the client. */
  readonly bufferedAmount: number;
  send(frame: Frame): void;
  close(code: number, reason: string): void;
  /** Throws where the attachment of a WebSocket would have no room, so that one limit holds for all. */
  serializeAttachment(attachment: unknown): void;
};

/** The client's end of a session. */
export type Peer = WebSocket | MemoryPeer;
