import { PROBLEMS, ProblemCode } from '../problems/problem.js';
import { anchor } from './calls-page.js';
import { type ContractDocument, callsOf } from './contract-document.js';
import { html } from './page.js';

interface Entry {
  readonly status: number;
  readonly statusInBody?: number;
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
}

const CODES = (Object.keys(PROBLEMS) as ProblemCode[]).sort(
  (left, right) => PROBLEMS[left].status - PROBLEMS[right].status || (left < right ? -1 : 1),
);

/** Whether there is a page for `code`. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** The page that the `type` of a problem document leads to: why, what to do, an example, and who answers it. */
export function problemPage(code: ProblemCode, document: ContractDocument): string {
  const entry: Entry = PROBLEMS[code];
  const example = document.components.examples[code]?.value;
  const answers = callsOf(document).filter(({ problems }) => problems.includes(code));
  return `<p class="status">${html(statuses(entry))}</p>
<h1>${html(entry.title)}</h1>
<p><code>${code}</code></p>
<h2>Why it comes</h2>
<p>${html(entry.cause)}</p>
<h2>What to do</h2>
<p>${html(entry.remedy)}</p>
<p>The <code>detail</code> of the answer says what happened in your case; its <code>requestId</code> finds it in our log.</p>
${example === undefined ? '' : `<h2>An example</h2>\n<pre tabindex="0"><code>${quoted(example)}</code></pre>`}
<h2>Which calls answer it</h2>
${whoAnswers(answers, callsOf(document).length)}
<p><a href="../problems">All problems</a> · <a href="../docs/errors">How to treat errors</a></p>`;
}

function whoAnswers(answers: ReturnType<typeof callsOf>, all: number): string {
  if (answers.length === 0) return '<p>Any: it is answered before it is known which call is meant.</p>';
  if (answers.length > all / 2) {
    return `<p>${answers.length} of the ${all} calls. The <a href="../docs/calls">reference</a> says of each call which problems it answers.</p>`;
  }
  const items = answers.map(
    ({ id, method, path, section, summary }) =>
      `<li><span class="method">${method}</span> <a href="../docs/reference#${anchor(section, id)}"><code>${html(path)}</code></a> ${html(summary)}</li>`,
  );
  return `<ul>\n${items.join('\n')}\n</ul>`;
}

/** Every problem with a link to its page. */
export function problemIndexPage(): string {
  const rows = CODES.map((code) => {
    const entry: Entry = PROBLEMS[code];
    return `<tr><td>${html(statuses(entry))}</td><td><a href="problems/${code}"><code>${code}</code></a></td><td>${html(entry.title)}</td></tr>`;
  });
  return `<h1>Problems</h1>
<p>Every error is an <code>application/problem+json</code> document (RFC 9457) with one of these codes. Codes are stable;
titles and details may be reworded. <a href="docs/errors">How to treat errors</a> says which to repeat and which not.</p>
<div class="table"><table>
<tr><th>Status</th><th>Code</th><th>Title</th></tr>
${rows.join('\n')}
</table></div>`;
}

/** The same as Markdown: openapi/problems.md. */
export function problemCatalogue(): string {
  const sections = CODES.map((code) => {
    const entry: Entry = PROBLEMS[code];
    return `## ${code}\n\n${statuses(entry)} · ${entry.title}\n\n${entry.cause}\n\n${entry.remedy}\n`;
  });
  return `# Problems

Every error is an \`application/problem+json\` document (RFC 9457) with one of these codes. Codes are stable; titles and
details may be reworded. Of each it is said why it comes, then what to do. This file is written by \`npm run openapi:write\`
from the table in \`src/problems/problem.ts\`.

${sections.join('\n')}`;
}

/** Two statuses where the thing that does not exist may be named in the path or in the body. */
function statuses({ status, statusInBody = status }: Entry): string {
  return statusInBody === status ? String(status) : `${status}, or ${statusInBody} when it is named in the body`;
}

function quoted(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
