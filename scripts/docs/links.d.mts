/** The numbered lines of a file, without the lines of Markdown code blocks. `whole` is the text, if it is not the file's. */
export function linesOf(file: string, whole?: string): Generator<[number, string]>;
/** The relative targets of links and images in a line, in Markdown and in HTML. */
export function linksIn(line: string): string[];
/** The reason why a link of a file leads nowhere; undefined where it leads somewhere. */
export function faultOf(file: string, target: string): string | undefined;
