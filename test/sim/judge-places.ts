import { FIRST_FRONT, objectName, shardAddress } from "../../src/contracts/address.ts";
import type { SentByRing } from "../../src/contracts/orders.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { coordinatorStub, shardStub } from "../../src/platform/calls.ts";
import { buildRing } from "../../src/ring/build.ts";
import type { Descriptor } from "../../src/ring/descriptor.ts";
import { OWNERS, type Ring } from "../../src/ring/ring.ts";
import { ORDERED } from "./channels.ts";
import type { SimClient } from "./client.ts";
import type { RolloutKind } from "./rollout.ts";
import { isJudged, type Trait } from "./traits.ts";
import type { World } from "./world.ts";

/** `limits.waitingFrames`, and the frame that is at work. */
const WAITING_FRAMES = 1_025;
/**
 * `limits.queuedBytes` with the factor for a reader that has just been probed, the frame before the probe, which is not
 * counted, and the frame that passes the bound. A frame has 4 MB at most.
 */
const QUEUED_BYTES = 8 * 2 ** 20 + 2 * 4 * 2 ** 20;

type End = {
  readonly world: World;
  readonly clients: readonly SimClient[];
  readonly traits: ReadonlySet<Trait>;
  readonly releases: RolloutKind;
};

/** Checks that each client is connected to an owner of its key (SPEC MV1), and that no shard has held too much. */
export async function judgePlaces({ world, clients, traits, releases }: End): Promise<void> {
  const descriptors: Descriptor[] = [];
  void coordinatorStub(world.env)
    .descriptor(CONTRACT)
    .then((descriptor) => descriptors.push(descriptor));
  await world.run(world.clock.now + 1_000);
  const [descriptor] = descriptors;
  if (descriptor === undefined) return world.violate("the coordinator does not answer");
  const ring = buildRing(descriptor);
  if (releases === "none") judgeSockets(world);
  for (const client of clients) {
    // Where shards hand connections on, a client may be on each of its three owners.
    const count = traits.has("scaling") ? OWNERS : 1;
    const owners = ring.owners(client.name, "auto", count).map(({ id }) => id);
    if (!client.connected) world.violate(`${client.name} is not connected`);
    else if (!owners.some((owner) => client.shard === `SHARD auto/${owner}`)) {
      world.violate(`${client.name} is on ${client.shard}, and its owner is ${owners.join(" or ")}`);
    }
  }
  if (traits.has("scaling") && releases === "none") await judgeGuests(world, clients, ring);
}

/** While the ring moves by itself, a client may be on its way when it is looked for. */
const LOOKS_WHILE_SCALING = 5;

/** Checks that each client is present in its channels (SPEC SE1). */
export async function judgePresence({ world, clients, traits }: End): Promise<void> {
  for (const channel of ["kept:a", "kept:b", ...(traits.has("orders") ? [ORDERED] : [])]) {
    let fault: string | undefined;
    for (let looks = traits.has("scaling") ? LOOKS_WHILE_SCALING : 1; looks > 0; looks--) {
      const present: number[] = [];
      void world.env.CHANNEL.getByName(channel)
        .presence("", CONTRACT)
        .then((all) => {
          world.note(`present in ${channel}: ${JSON.stringify(all)}`);
          return present.push(all.length);
        });
      await world.run(world.clock.now + 5_000);
      const subscribers = clients.filter((client) => client.channels.includes(channel)).length;
      fault =
        present[0] === subscribers
          ? undefined
          : `${channel} has ${present[0]} present and ${subscribers} subscribers`;
      if (fault === undefined) break;
    }
    if (fault !== undefined) world.violate(fault);
  }
}

/** Checks the most that a shard has held for one client, and that it has left no socket half open. */
function judgeSockets(world: World): void {
  for (const shard of world.objects.names("Shard")) {
    const { mostQueuedBytes: queued, mostWaitingFrames: waiting, sockets } = world.objects.of(shard);
    if (queued > QUEUED_BYTES && isJudged("memory"))
      world.violate(`${shard} had ${queued} bytes queued for one socket (SPEC BD73)`);
    if (waiting > WAITING_FRAMES && isJudged("memory"))
      world.violate(`${shard} had ${waiting} frames of one client waiting (SPEC BD73)`);
    const halfOpen = [...sockets].filter(({ isHalfOpen }) => isHalfOpen);
    if (halfOpen.length > 0)
      world.violate(`${shard} has left ${halfOpen.length} sockets half open (SPEC BD71)`);
  }
}

/** Checks that the first owner of a guest's key knows that it may have guests elsewhere (SPEC EL31). */
async function judgeGuests(world: World, clients: readonly SimClient[], ring: Ring): Promise<void> {
  for (const { name, shard } of clients) {
    const owner = ring.owner(name, "auto");
    if (owner === undefined || shard === `SHARD ${objectName(owner)}`) continue;
    const answers: SentByRing[] = [];
    const message = { users: [name], data: "{}", ringEpoch: ring.descriptor.epoch };
    const stub = shardStub(world.env, shardAddress(FIRST_FRONT, owner));
    void stub.sendOwned(message, CONTRACT).then((answer) => answers.push(answer));
    await world.run(world.clock.now + 1_000);
    if (answers[0]?.spilled !== true)
      world.violate(`${owner.id} does not know that ${name} is a guest of ${shard} (SPEC EL31)`);
  }
}
