// The configuration of `npm start`: that of wrangler.toml, with a Socket.IO server to try. Channels without a namespace
// are rooms of it, so that the clients of both libraries meet there.

/** @param {string} text the text of wrangler.toml */
export function localConfig(text) {
  const replace = (before, after) => {
    if (!text.includes(before)) throw new Error(`wrangler.toml has no line ${before}`);
    text = text.replace(before, () => after);
  };
  replace('main = "src/index.ts"', 'main = "src/local.ts"');
  replace("[vars.RINGCAST_NS_DEFAULT]\n", "[vars.RINGCAST_NS_DEFAULT]\nsocketio = true\n");
  return `${text}
[[durable_objects.bindings]]
name = "SHARD_SOCKETIO"
class_name = "SocketIoShard"

[[migrations]]
tag = "local-socketio"
new_sqlite_classes = ["SocketIoShard"]
`;
}
