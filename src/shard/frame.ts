/** One frame: text, or bytes where the front has them. An empty text is not sent. */
export type Frame = string | Uint8Array<ArrayBuffer>;

/** One frame of text, or frames that follow each other. */
export type Frames = string | readonly Frame[];
