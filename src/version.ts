export const PRODUCT_VERSION = "0.1.0";

/** The `version` of a connect reply. */
export const PROTOCOL_VERSION = `ringcast ${PRODUCT_VERSION}`;
