import { type Burst, EDI_RATE, WEB_RATE } from './burst.js';
import { CASES, type CaseName } from './cases.js';
import { judge, type Measurement, over, type Rounds, type Search } from './measurement.js';
import type { Options } from './options.js';
import type { Waited } from './pace.js';
import { type Spread, spreadOf } from './statistics.js';

export interface Report {
  readonly at: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly options: Options;
  readonly cases: Readonly<Partial<Record<CaseName, Rounds>>>;
  readonly burst?: Burst;
}

/** The report as Markdown: for RESULTS.md, and legible as it stands on a terminal. */
export function markdownOf(report: Report): string {
  const cases = Object.entries(report.cases) as [CaseName, Rounds][];
  return [
    '# What the bench measured',
    '',
    'Made by `npm run bench`; the figures of every round are in [results.json](results.json). Absolute figures belong to the',
    'machine and to what else ran on it: compare ratios and CPU time a reservation. [README.md](README.md) says how it is measured.',
    '',
    ...summary(cases),
    '',
    ...hotToUniform(report),
    ...cases.flatMap(([name, rounds]) => caseOf(name, rounds, report.options)),
    ...burstOf(report),
    '## Where',
    '',
    ...table(['', ''], [['at', report.at], ...Object.entries(report.machine)]),
    '',
    `PostgreSQL, the same server for both: ${Object.entries(report.settings)
      .map(([name, value]) => `\`${name} = ${value}\``)
      .join(', ')}.`,
    '',
  ].join('\n');
}

function summary(cases: readonly [CaseName, Rounds][]): string[] {
  if (cases.length === 0) return [];
  return table(
    ['case', 'ratio (least – most)', 'floor', 'goal', ''],
    cases.map(([name, rounds]) => {
      const { ratio, floor, goal, met } = judge(name, rounds);
      return [
        `${name} ${CASES[name].title}`,
        spread(ratio, 2),
        String(floor),
        String(goal),
        met ? 'met' : '**missed**',
      ];
    }),
  );
}

function caseOf(name: CaseName, rounds: Rounds, { seconds }: Options): string[] {
  const { baseline, service, ofBaseline, ofService } = rounds;
  const { unit, work } = CASES[name];
  const row = (title: string, measured: readonly Measurement[]) => [
    title,
    spread(over(measured, 'perSecond'), 0),
    spread(over(measured, 'postgresCpu'), 0),
    measured.every(({ serviceCpu }) => serviceCpu === null) ? '–' : spread(over(measured, 'serviceCpu'), 0),
    spread(over(measured, 'generatorCpu'), 0),
    `${(100 * over(measured, 'generatorShare').median).toFixed(0)} %`,
  ];
  const sum = (figure: 'accepted' | 'refused' | 'checked') =>
    service.reduce((total, measured) => total + (measured[figure] ?? 0), 0).toLocaleString('en');
  return [
    `## ${name}: ${CASES[name].title}`,
    '',
    ...table(
      [
        '',
        `${unit}s/s`,
        'µs CPU each in PostgreSQL',
        'in the service',
        'in the generator',
        'generator, share of the machine',
      ],
      [
        row(ofBaseline ? `baseline: pgbench, clients: ${ofBaseline.best}` : 'baseline: COPY', baseline),
        row(ofService ? `service: HTTP, connections: ${ofService.best}` : 'service', service),
      ],
    ),
    '',
    `${service.length} rounds${work === 'apply' ? '' : ` of ${seconds} s each`}, baseline and service in turn: medians (least – most).`,
    ...(work === 'apply'
      ? [`The service applied ${sum('accepted')} ${unit}s, each once.`]
      : [
          `The service accepted ${sum('accepted')} ${unit}s and refused ${sum('refused')}; ${sum('checked')} bodies were compared with their requests; nothing else was answered.`,
        ]),
    ...(ofBaseline && ofService
      ? [`pgbench by clients: ${searchOf(ofBaseline)}. The service by connections: ${searchOf(ofService)}.`]
      : []),
    '',
  ];
}

/** Latency of an open loop; the rest of this report is throughput of a closed one. */
function burstOf({ burst, options }: Report): string[] {
  if (!burst) return [];
  const row = (title: string, waited: readonly Waited[]) => {
    const of = (figure: 'p50' | 'p99' | 'most') => spread(spreadOf(waited.map((each) => each[figure])), 1);
    const statuses: Record<string, number> = {};
    for (const each of waited) {
      for (const [status, count] of Object.entries(each.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
    }
    const answers = Object.entries(statuses).map(([status, count]) => `${count.toLocaleString('en')} × ${status}`);
    return [title, of('p50'), of('p99'), of('most'), answers.join(', ')];
  };
  return [
    '## A burst of one channel beside another',
    '',
    `The web shop reserves ${WEB_RATE} times a second, EDI ${EDI_RATE.toLocaleString('en')} times, ten times what its channel may; an open loop, ${options.seconds} s each, in turn.`,
    '',
    ...table(
      ['ms from when it was due', 'p50', 'p99', 'most', 'answers'],
      [row('web alone', burst.alone), row('web beside EDI', burst.beside), row('EDI', burst.edi)],
    ),
    '',
  ];
}

function searchOf({ tried }: Search): string {
  return tried.map(({ at, perSecond }) => `${at}: ${perSecond.toFixed(0)}/s`).join(', ');
}

/** R7 of the same run, where both were measured: contention must not cost more than it saves. */
function hotToUniform({ cases: { R5, R6 } }: Report): string[] {
  if (!R5 || !R6) return [];
  const ratio = spreadOf(R5.service.map(({ perSecond }, round) => perSecond / (R6.service[round]?.perSecond ?? 0)));
  return [`The service's one hot SKU against its uniform load: ${spread(ratio, 2)}.`, ''];
}

function spread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} – ${max.toFixed(digits)})`;
}

/** Columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
