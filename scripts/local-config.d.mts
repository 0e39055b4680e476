export function localConfig(text: string): string;
