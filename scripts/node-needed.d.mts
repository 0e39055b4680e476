export function nodeProblem(version: string, npm: { readonly ignoresScripts: boolean }): string | undefined;
