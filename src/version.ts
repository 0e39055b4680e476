export const PRODUCT_VERSION = "0.1.0";

/** What clients are told in `version` of a connect reply. */
export const PROTOCOL_VERSION = `ringcast ${PRODUCT_VERSION}`;
