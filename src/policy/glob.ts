/**
 * Whether a name fits a pattern: `*` stands for any text, `?` for one character. Takes the product of their lengths at
 * most, whatever they are: patterns and names come from different people, and neither may keep a shard busy.
 */
export function fits(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  for (let n = 0; n < name.length;) {
    if (pattern[at] === "*") {
      star = at++;
      resumeAt = n;
    } else if (pattern[at] === "?" || pattern[at] === name[n]) {
      at += 1;
      n += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1;
      n = ++resumeAt;
    } else return false;
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
