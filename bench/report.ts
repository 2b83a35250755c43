import { CASES, type Case, type CaseName } from './cases.js';
import { changeSince } from './check.js';
import { type Finding, type Findings, judge } from './finding.js';
import { spread, table } from './markdown.js';
import type { Options } from './options.js';
import { spreadOf } from './statistics.js';

export interface Report {
  readonly at: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly options: Options;
  readonly cases: Findings;
}

/** Digits behind the point, by the unit of the case. */
const DIGITS: Readonly<Record<Case['unit'], number>> = { times: 2, ms: 1, s: 1, MiB: 0 };

/** The report as Markdown: for RESULTS.md, and legible as it stands on a terminal. */
export function markdownOf({ at, machine, settings, options, cases }: Report): string {
  const found = Object.entries(cases) as [CaseName, Finding][];
  return [
    '# What the bench measured',
    '',
    'Made by `npm run bench`; the figures of every round are in [results.json](results.json). Absolute figures belong to the',
    'machine and to what else ran on it: compare ratios and CPU time. [README.md](README.md) says how it is measured.',
    '',
    ...table(
      ['case', 'measured (least – most of the rounds)', 'floor', 'goal', ''],
      found.map(([name, finding]) => summaryOf(name, finding)),
    ),
    '',
    `${options.rounds} rounds of ${options.seconds} s each, where a case says nothing else.`,
    '',
    ...found.flatMap(([name, { told }]) => [`## ${name}: ${CASES[name].title}`, '', ...told, '']),
    '## Where',
    '',
    ...table(['', ''], [['at', at], ...Object.entries(machine)]),
    '',
    `PostgreSQL, the same server for both: ${Object.entries(settings)
      .map(([name, value]) => `\`${name} = ${value}\``)
      .join(', ')}.`,
    '',
  ].join('\n');
}

/** What has become of the ratios since the record. `record`: what `jsonOf` gave. */
export function comparedWith(record: string, cases: Findings): { table: string[]; lost: CaseName[] } {
  const recorded = (JSON.parse(record) as { cases: Findings }).cases;
  const lost: CaseName[] = [];
  const rows = (Object.entries(cases) as [CaseName, Finding][]).flatMap(([name, finding]) => {
    const { title, unit, better, floor }: Case = CASES[name];
    // Times and memory belong to a machine, and what is not judged is not held to anything.
    if (unit !== 'times' || floor === null) return [];
    const now = spread({ ...spreadOf(finding.rounds), median: finding.figure }, DIGITS[unit]);
    const then = recorded[name]?.figure;
    if (then === undefined) return [[`${name} ${title}`, '–', now, '–', '–', 'not in the record']];
    const change = changeSince(then, finding, better);
    if (change.lost) lost.push(name);
    const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
    const verdict = change.lost ? '**lost**' : 'kept';
    return [
      [`${name} ${title}`, then.toFixed(DIGITS[unit]), now, percent(change.loss), percent(change.noise), verdict],
    ];
  });
  return { table: table(['case', 'record', 'now (least – most)', 'loss', 'noise', ''], rows), lost };
}

/** For results.json: figures only. */
export function jsonOf(report: Report): string {
  const cases = Object.entries(report.cases).map(([name, { told: _, ...figures }]) => [name, figures]);
  return `${JSON.stringify({ ...report, cases: Object.fromEntries(cases) }, null, 2)}\n`;
}

/** The case, what was measured, its floor, its goal and whether they are met. */
export function summaryOf(name: CaseName, { figure, rounds }: Finding): string[] {
  const { title, unit, better, floor, goal }: Case = CASES[name];
  const verdict = judge(name, figure);
  const bound = (value: number | null) => (value === null ? '–' : `${better === 'more' ? '≥' : '≤'} ${value}`);
  return [
    `${name} ${title}`,
    `${spread({ ...spreadOf(rounds), median: figure }, DIGITS[unit])} ${unit}`,
    bound(floor),
    bound(goal),
    verdict === 'missed' ? '**missed**' : verdict,
  ];
}
