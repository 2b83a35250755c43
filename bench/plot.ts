/** A curve: its points from left to right. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One drawing: x is logarithmic and has a tick at every point, y begins at 0 or is logarithmic. */
export interface Panel {
  readonly title: string;
  /** With its unit. */
  readonly x: string;
  readonly y: string;
  readonly logarithmic: boolean;
  readonly lines: readonly Line[];
}

const WIDTH = 440;
const HEIGHT = 330;
/** Room around the area of the curves, in which titles and ticks stand. */
const ROOM = { top: 64, right: 36, bottom: 54, left: 74 };
const AREA = { width: WIDTH - ROOM.left - ROOM.right, height: HEIGHT - ROOM.top - ROOM.bottom };
const MOST_TICKS = 6;

/** Legible in print, and in a browser by day and by night; with a ground of its own, whatever page it stands on. */
const STYLE = `
  svg { --ground: #ffffff; --ink: #24292f; --faint: #d0d7de; --first: #0969da; --second: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --ink: #e6edf3; --faint: #30363d; --first: #58a6ff; --second: #f0883e }
  }
  .ground { fill: var(--ground) }
  text { font: 12px system-ui, sans-serif; fill: var(--ink) }
  .title { font-weight: 600; font-size: 13px }
  .grid { stroke: var(--faint) }
  .axis { stroke: var(--ink) }
  .line { fill: none; stroke-width: 2 }
  .line.first { stroke: var(--first) } .mark.first { fill: var(--first) }
  .line.second { stroke: var(--second); stroke-dasharray: 6 3 } .mark.second { fill: var(--second) }
`;
/** By colour, dash and mark, so that it is told without colours, too. */
const KINDS = ['first', 'second'] as const;
type Kind = (typeof KINDS)[number];

/** The panels side by side, each with at most two lines. */
export function svgOf(panels: readonly Panel[]): string {
  const width = WIDTH * panels.length;
  const drawn = panels.map((panel, index) => `<g transform="translate(${index * WIDTH} 0)">\n${draw(panel)}\n</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img">`,
    `<title>${escaped(panels.map(({ title }) => title).join('; '))}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${HEIGHT}"/>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function draw({ title, x, y, logarithmic, lines }: Panel): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([at]) => at))].sort((a, b) => a - b);
  const ys = points.map(([, value]) => value);
  const rows = logarithmic ? logarithmicTicks(Math.min(...ys), Math.max(...ys)) : linearTicks(Math.max(...ys));
  const across = scale(xs[0] as number, xs.at(-1) as number, Math.log);
  const up = scale(rows[0] as number, rows.at(-1) as number, logarithmic ? Math.log : (value) => value);
  const left = (at: number) => round(ROOM.left + across(at) * AREA.width);
  const top = (value: number) => round(ROOM.top + (1 - up(value)) * AREA.height);
  const [floor, middle] = [ROOM.top + AREA.height, ROOM.left + AREA.width / 2];
  return [
    text(ROOM.left, 20, title, 'class="title"'),
    ...lines.map(({ name }, index) => legend(name, KINDS[index] as Kind, ROOM.left + index * (AREA.width / 2))),
    ...rows.flatMap((value) => [
      `<path class="grid" d="M${ROOM.left} ${top(value)}h${AREA.width}"/>`,
      text(ROOM.left - 8, top(value) + 4, numeral(value), 'text-anchor="end"'),
    ]),
    ...xs.flatMap((at) => [
      `<path class="axis" d="M${left(at)} ${floor}v4"/>`,
      text(left(at), floor + 18, numeral(at), 'text-anchor="middle"'),
    ]),
    `<path class="axis" d="M${ROOM.left} ${floor}h${AREA.width}"/>`,
    text(middle, HEIGHT - 12, x, 'text-anchor="middle"'),
    text(0, 0, y, `text-anchor="middle" transform="translate(16 ${ROOM.top + AREA.height / 2}) rotate(-90)"`),
    ...lines.map(({ points: of }, index) => {
      const kind = KINDS[index] as Kind;
      const path = of.map(([at, value]) => `${left(at)} ${top(value)}`).join('L');
      return `<path class="line ${kind}" d="M${path}"/>${of.map(([at, value]) => mark(left(at), top(value), kind)).join('')}`;
    }),
  ].join('\n');
}

function legend(name: string, kind: Kind, at: number): string {
  const line = `<path class="line ${kind}" d="M${at} 40h28"/>`;
  return line + mark(at + 14, 40, kind) + text(at + 34, 44, name);
}

function mark(x: number, y: number, kind: Kind): string {
  return kind === 'first'
    ? `<circle class="mark first" cx="${x}" cy="${y}" r="4"/>`
    : `<rect class="mark second" x="${round(x - 3.5)}" y="${round(y - 3.5)}" width="7" height="7"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const place = x === 0 && y === 0 ? '' : ` x="${x}" y="${y}"`;
  return `<text${place} ${attributes}>${escaped(content)}</text>`;
}

/** Gives where a value stands between the least and the most, 0 to 1. */
function scale(least: number, most: number, of: (value: number) => number): (value: number) => number {
  const span = of(most) - of(least) || 1;
  return (value) => (of(value) - of(least)) / span;
}

/** From 0 in steps of 1, 2 or 5 of a power of ten. */
function linearTicks(most: number): number[] {
  const least = most / MOST_TICKS;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 5].find((times) => times * power >= least) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** 1, 2 and 5 of the powers of ten, around all values. */
function logarithmicTicks(least: number, most: number): number[] {
  const ticks: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most * 10; power *= 10) {
    ticks.push(power, 2 * power, 5 * power);
  }
  const first = ticks.findLastIndex((tick) => tick <= least);
  const last = ticks.findIndex((tick) => tick >= most);
  return ticks.slice(first, last + 1);
}

function numeral(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
