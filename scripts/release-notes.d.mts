export function releaseNotes(
  tag: string,
  repository: { readonly versions: Readonly<Record<string, string>>; readonly changelog: string },
): { readonly ok: true; readonly notes: string } | { readonly ok: false; readonly problem: string };
export function versionsIn(): Record<string, string>;
