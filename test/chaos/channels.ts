/** The channels of a run. Their namespaces are those of the server's variables (run.ts). */

export const BROADCAST = "ringcast:broadcast";
/** A few listeners hear publications of up to a megabyte here. */
export const LARGE = "large:0";
/** Every fifth channel keeps only its last few publications, so that some resumes have to be refused. */
export const SHORT_KEEPS = 10;

export const smallChannels = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => (n % 5 === 4 ? `short:${n}` : `kept:${n}`));

export const isShort = (channel: string): boolean => channel.startsWith("short:");
