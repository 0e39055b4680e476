/** The events of the chat application that comes with Socket.IO, with a room. The page and the server share them. */

type Someone = { readonly username: string };
type Counted = { readonly numUsers: number };

export type ToServer = {
  /** On each connection; `entered` answers when the user is in the room. */
  "add user": (username: string, room: string, entered: () => void) => void;
  /** `id` stays the same where a page says it again; `taken` answers when the room has the message. */
  "new message": (id: string, message: string, taken: () => void) => void;
  typing: () => void;
  "stop typing": () => void;
};

export type ToClient = {
  login: (room: Counted) => void;
  "user joined": (who: Someone & Counted) => void;
  "user left": (who: Someone & Counted) => void;
  "new message": (message: Someone & { readonly id: string; readonly message: string }) => void;
  typing: (who: Someone) => void;
  "stop typing": (who: Someone) => void;
};
