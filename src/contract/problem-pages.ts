import { PROBLEMS, ProblemCode } from '../problems/problem.js';
import { textPagePolicy } from './page-policy.js';

interface Entry {
  readonly status: number;
  readonly statusInBody?: number;
  readonly title: string;
  readonly remedy: string;
}

const CODES = (Object.keys(PROBLEMS) as ProblemCode[]).sort(
  (left, right) => PROBLEMS[left].status - PROBLEMS[right].status || (left < right ? -1 : 1),
);

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; color: #1b1f24; background: #fff; }
h1 { line-height: 1.2; }
a { color: #0b57d0; }
code { font-family: ui-monospace, monospace; }
dt { font-weight: 600; margin-top: 1rem; }
dd { margin: 0; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid #d0d7de; }
.status { color: #57606a; margin-bottom: 0; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; }
  a { color: #79b8ff; }
  th, td { border-color: #30363d; }
  .status { color: #9198a1; }
}
`;

/** What these pages may do: nothing but look as they do. */
export const PROBLEM_PAGE_POLICY = textPagePolicy(STYLE);

/** Whether there is a page for `code`. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** The page that the `type` of a problem document leads to. */
export function problemPage(code: ProblemCode): string {
  const entry: Entry = PROBLEMS[code];
  return htmlPage(
    code,
    `<p class="status">${html(statuses(entry))}</p>
<h1>${html(entry.title)}</h1>
<dl>
<dt>Code</dt><dd><code>${html(code)}</code></dd>
<dt>What to do</dt><dd>${html(entry.remedy)}</dd>
</dl>
<p>The <code>detail</code> of the answer says what happened in your case; its <code>requestId</code> finds it in our log.</p>
<p><a href="../problems">All problems</a></p>`,
  );
}

/** Every problem with a link to its page. */
export function problemIndexPage(): string {
  const rows = CODES.map((code) => {
    const entry: Entry = PROBLEMS[code];
    return `<tr><td>${html(statuses(entry))}</td><td><a href="problems/${code}"><code>${code}</code></a></td><td>${html(entry.title)}</td></tr>`;
  });
  return htmlPage(
    'Problems',
    `<h1>Problems</h1>
<p>Every error is an <code>application/problem+json</code> document (RFC 9457) with one of these codes. Codes are stable;
titles and details may be reworded.</p>
<table>
<tr><th>Status</th><th>Code</th><th>Title</th></tr>
${rows.join('\n')}
</table>`,
  );
}

/** The same as Markdown: openapi/problems.md. */
export function problemCatalogue(): string {
  const sections = CODES.map((code) => {
    const entry: Entry = PROBLEMS[code];
    return `## ${code}\n\n${statuses(entry)} · ${entry.title}\n\n${entry.remedy}\n`;
  });
  return `# Problems

Every error is an \`application/problem+json\` document (RFC 9457) with one of these codes. Codes are stable; titles and
details may be reworded. This file is written by \`npm run openapi:write\` from the table in \`src/problems/problem.ts\`.

${sections.join('\n')}`;
}

/** Two statuses where the thing that does not exist may be named in the path or in the body. */
function statuses({ status, statusInBody = status }: Entry): string {
  return statusInBody === status ? String(status) : `${status}, or ${statusInBody} when it is named in the body`;
}

/** Text of the table as HTML; `code` in backticks becomes code. */
function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/`([^`]+)`/g, '<code>$1</code>');
}

function htmlPage(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)} · Holdfast</title>
<style>${STYLE}</style>
</head>
<body>
${content}
</body>
</html>
`;
}
