/** What a caller has given cannot be sent: a name, an event or its size. Nothing was sent. */
export class InputError extends Error {
  override readonly name = "InputError";
}
