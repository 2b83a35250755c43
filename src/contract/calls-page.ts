import { type Call, type ContractDocument, callsOf } from './contract-document.js';
import { html } from './page.js';

/** Every call in one table a section: to find one, to print, and to read without JavaScript. */
export function callsPage(document: ContractDocument): string {
  const calls = callsOf(document);
  const sections = document.tags.map(({ name, description }) => {
    const rows = calls.filter(({ section }) => section === name).map(row);
    return `<h2 id="${name.toLowerCase()}">${html(name)}</h2>
<p>${html(description)}</p>
<div class="table"><table>
<tr><th>Call</th><th>What it does</th><th>Scope</th></tr>
${rows.join('\n')}
</table></div>`;
  });
  return `<h1>All calls</h1>
<p>Every call leads to its place in the <a href="reference">reference</a>, which shows bodies, answers and examples and lets you
try it. The same as one file for tools: <a href="../openapi/v1.json">openapi/v1.json</a> (OpenAPI 3.1).</p>
${sections.join('\n')}`;
}

function row({ id, method, path, summary, section, scopes, deprecated }: Call): string {
  const needs = scopes.length > 0 ? scopes.map((scope) => `<code>${scope}</code>`).join(' or ') : 'none';
  const old = deprecated ? ' <em>(deprecated)</em>' : '';
  return `<tr><td><span class="method">${method}</span> <a href="reference#${anchor(section, id)}"><code>${html(path)}</code></a></td><td>${html(summary)}${old}</td><td>${needs}</td></tr>`;
}

/** Where Scalar shows an operation: its section, then the slug that docs/site/reference.js makes of its id. */
export function anchor(section: string, id: string): string {
  return `tag/${section.toLowerCase()}/${id}`;
}
