export function findBrowser(): string | undefined;
export function filesWithBrowser(): string[];
export function skipsBrowser(): boolean;
export function prepareBrowser(): void;
