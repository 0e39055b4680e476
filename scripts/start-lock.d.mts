export function hold(path: string, about: string): Promise<string | undefined>;
