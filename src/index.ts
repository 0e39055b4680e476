import { createRingcast } from "./ringcast.ts";

const ringcast = createRingcast();

export default ringcast.handler;
export class Shard extends ringcast.Shard {}
export class Channel extends ringcast.Channel {}
export class Coordinator extends ringcast.Coordinator {}
export class RingcastService extends ringcast.RingcastService {}
