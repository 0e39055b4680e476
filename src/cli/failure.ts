/** The command cannot do what was asked: its message is all that the user needs, and the exit status is 2. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** The cluster has an answer, which another attempt would not change. */
export class Refusal extends Failure {}
