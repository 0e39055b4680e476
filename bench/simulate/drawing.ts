/** One line of a drawing: a value for each moment. */
export type Line = { readonly name: string; readonly colour: string; readonly values: readonly number[] };

const WIDTH = 860;
const HEIGHT = 300;
const LEFT = 56;
const RIGHT = 56;
const TOP = 44;
const BOTTOM = 34;

/**
 * An SVG drawing of two lines over time, each with an axis of its own. `hours`: the whole time. It has a background, as
 * a page may show it in a dark theme.
 */
export function draw(drawing: {
  readonly title: string;
  readonly hours: number;
  readonly left: Line;
  readonly right: Line;
}): string {
  const { title, hours, left, right } = drawing;
  const x = (part: number) => LEFT + part * (WIDTH - LEFT - RIGHT);
  const y = (part: number) => HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
  const most = (line: Line) => niceAbove(Math.max(1, ...line.values));
  const path = (line: Line) =>
    line.values
      .map((value, n) => {
        const at = `${x(n / (line.values.length - 1)).toFixed(1)},${y(value / most(line)).toFixed(1)}`;
        return `${n === 0 ? "M" : "L"}${at}`;
      })
      .join("");
  const marks = [0, 0.25, 0.5, 0.75, 1];
  const grid = marks.map((part) => `<path d="M${LEFT},${y(part)}H${WIDTH - RIGHT}" stroke="#e3e5e9"/>`);
  const axis = (line: Line, at: number, anchor: string) =>
    marks.map(
      (part) =>
        `<text x="${at}" y="${y(part) + 4}" text-anchor="${anchor}" fill="${line.colour}">${short(part * most(line))}</text>`,
    );
  const times = marks.map(
    (part) =>
      `<text x="${x(part)}" y="${HEIGHT - 12}" text-anchor="middle" fill="#5b616b">${hours * part} h</text>`,
  );
  const names = [
    `<text x="${LEFT}" y="34" fill="${left.colour}">${left.name}</text>`,
    `<text x="${WIDTH - RIGHT}" y="34" text-anchor="end" fill="${right.colour}">${right.name}</text>`,
  ];
  const lines = [left, right].map(
    (line) =>
      `<path d="${path(line)}" fill="none" stroke="${line.colour}" stroke-width="2" stroke-linejoin="round"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui,sans-serif" font-size="12" role="img" aria-label="${title}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#fff"/>`,
    `<text x="${LEFT}" y="18" font-weight="600" fill="#1c1f24">${title}</text>`,
    ...names,
    ...grid,
    ...axis(left, LEFT - 8, "end"),
    ...axis(right, WIDTH - RIGHT + 8, "start"),
    ...times,
    ...lines,
    "</svg>\n",
  ].join("\n");
}

/** The next of 1, 2, 4, 8, 10 times a power of ten: a quarter of it is a round number too. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return Math.max(4, [1, 2, 4, 8, 10].map((n) => n * power).find((nice) => nice >= value) ?? value);
}

const short = (value: number): string =>
  value >= 1_000 ? `${(value / 1_000).toLocaleString("en", { maximumFractionDigits: 1 })}k` : String(value);
