import { asError } from "./network.ts";
import { isFailedWrite } from "./storage.ts";
import { promised, type World } from "./world.ts";

/** The alarms of the objects. An alarm that comes due while another of its object runs waits for the end of that one. */
export class Alarms {
  readonly #world: World;
  /** How many alarms have run. */
  count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Runs the alarm of an object at the time `at`, unless the object has set another since. */
  set(name: string, at: number): void {
    this.#world.clock.at(at, () => this.#run(name, at));
  }

  /** An alarm did not end. The platform repeats it a few times. */
  failed(name: string): void {
    const { storage } = this.#world.objects.of(name);
    // The run had set the next alarm, which may have come due meanwhile.
    if (storage.alarmAt !== null) return this.set(name, storage.alarmAt);
    if (!storage.repeatAlarm(this.#world.clock.now))
      this.#world.note(`the platform gives up the alarm of ${name}`);
  }

  #run(name: string, at: number): void {
    const world = this.#world;
    const { storage, life: running } = world.objects.of(name);
    if (storage.alarmAt !== at || running?.alarmRuns === true) return;
    storage.alarmAt = null;
    const life = world.wake(name);
    world.enter(life);
    world.note(`${name} alarm`);
    life.alarmRuns = true;
    this.count += 1;
    const ended = (error?: Error): void => {
      life.alarmRuns = false;
      if (life.dead) return;
      if (error === undefined) {
        if (storage.alarmAt !== null) this.set(name, storage.alarmAt);
        storage.alarmFailures = 0;
        return;
      }
      this.failed(name);
      if (!isFailedWrite(error)) world.violate(`${name} alarm failed: ${error.message}`);
    };
    void promised(() => life.instance["alarm"]?.()).then(
      () => ended(),
      (error: unknown) => ended(asError(error)),
    );
  }
}
