import { createRingcast } from "./ringcast.ts";

const { handler, Shard, Channel, Coordinator } = createRingcast();

export default handler;
export { Shard, Channel, Coordinator };
