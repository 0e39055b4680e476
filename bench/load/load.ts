import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { OrderName, Orders } from "./generator.ts";

/** The benchmark's side of the load generator. */
export class Load {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(join(import.meta.dirname, "generator.ts"), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  async do<Name extends OrderName>(
    name: Name,
    order: Orders[Name]["order"],
  ): Promise<Orders[Name]["answer"]> {
    const answered = once(this.#process, "message");
    this.#process.send({ name, order });
    const [message] = (await answered) as [{ answer: Orders[Name]["answer"]; error?: string }];
    if (message.error !== undefined) throw new Error(`${name}: ${message.error}`);
    return message.answer;
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }
}
