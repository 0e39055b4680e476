/**
 * The namespace options of Centrifugo that Ringcast does not have (SPEC AU22). A value that asks for nothing is
 * accepted, so that a configuration of Centrifugo can be copied. Any other value is a mistake to be named: a channel
 * would be more open, or hear less, than its owner believes.
 */

type Ignorable = (value: unknown) => boolean;

const always: Ignorable = () => true;
const oneOf =
  (...values: readonly unknown[]): Ignorable =>
  (value) =>
    values.includes(value);

const FOREIGN_OPTIONS: ReadonlyMap<string, Ignorable> = new Map<string, Ignorable>(
  Object.entries({
    // Ringcast makes patches for every subscriber that has asked for them and may have them.
    delta_publish: always,
    // They make Centrifugo cheaper, and change nothing that a client hears.
    shared_position_sync: always,
    keep_latest_publication: always,
    allow_channel_compaction: always,
    auto_cache_recover: oneOf(false),
    channel_regex: oneOf(""),
    publication_data_format: oneOf("", "json"),
    client_publish_debounce_interval: oneOf("", "0s", 0),
    // Without its type a table says nothing.
    subscription_type: oneOf("", "stream"),
    map: always,
    shared_poll: always,
    map_clients_presence_channel_prefix: oneOf(""),
    map_users_presence_channel_prefix: oneOf(""),
    // Ringcast asks hooks in code. A proxy that is not enabled may have a name.
    subscribe_proxy_enabled: oneOf(false),
    publish_proxy_enabled: oneOf(false),
    sub_refresh_proxy_enabled: oneOf(false),
    subscribe_stream_proxy_enabled: oneOf(false),
    subscribe_stream_bidirectional: oneOf(false),
    subscribe_proxy_name: always,
    publish_proxy_name: always,
    sub_refresh_proxy_name: always,
    subscribe_stream_proxy_name: always,
  }),
);

export const FOREIGN_NAMES: readonly string[] = [...FOREIGN_OPTIONS.keys()];

/** The options of a namespace without those that can be ignored, and the names of those that cannot. */
export function readForeignOptions(options: Readonly<Record<string, unknown>>): {
  readonly own: Record<string, unknown>;
  readonly refused: readonly string[];
} {
  const entries = Object.entries(options);
  return {
    own: Object.fromEntries(entries.filter(([name]) => !FOREIGN_OPTIONS.has(name))),
    refused: entries
      .filter(([name, value]) => FOREIGN_OPTIONS.get(name)?.(value) === false)
      .map(([name]) => name),
  };
}
