/** The anchor that a forge makes of a heading. The documentation site makes the same. */
export function slugOf(heading: string): string;
