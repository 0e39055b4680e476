/** What clients are told in `version` of a connect reply. */
export const PROTOCOL_VERSION = "ringcast 0.1";
