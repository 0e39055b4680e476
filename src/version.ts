/** The version of this release. */
export const PRODUCT_VERSION = "0.3.0";

/** The `version` in the reply to `connect` (docs/protocol.md C12). */
export const PROTOCOL_VERSION = `ringcast ${PRODUCT_VERSION}`;
