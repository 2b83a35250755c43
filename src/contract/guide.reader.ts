import { readFile } from 'node:fs/promises';
import { Marked, type Tokens } from 'marked';
import { Root, Section } from './page.js';

/** Written in Markdown, so that they read as well where the code is read. */
const GUIDE = new URL('../../docs/guide/', import.meta.url);
/** Made from the difference to what was released, by `npm run openapi:write`. */
const CHANGES = new URL('../../openapi/changes.md', import.meta.url);

/** The pages of docs/guide in the order they are read; a test looks that none is missing. */
const CHAPTERS: Readonly<Record<string, readonly string[]>> = {
  Begin: ['getting-started', 'first-reservation'],
  'What holds for every call': ['authentication', 'idempotency', 'errors', 'limits', 'versioning'],
  'Connect a system': ['webhooks', 'typescript-client'],
};

export interface Guide {
  readonly navigation: readonly Section[];
  /** Title and HTML of a page, by its name; `index` stands at /docs itself. */
  readonly pages: ReadonlyMap<string, { readonly title: string; readonly content: string }>;
}

let guide: Promise<Guide> | undefined;

/** Reads and renders all pages once. */
export function readGuide(): Promise<Guide> {
  guide ??= renderGuide();
  return guide;
}

async function renderGuide(): Promise<Guide> {
  const names = ['index', 'governance', 'changes', ...Object.values(CHAPTERS).flat()];
  const pages = new Map(
    await Promise.all(
      names.map(async (name) => {
        const text = await readFile(name === 'changes' ? CHANGES : new URL(`${name}.md`, GUIDE), 'utf8');
        const title = /^# (.+)$/m.exec(text)?.[1] ?? name;
        return [name, { title, content: renderMarkdown(text, name === 'index' ? '' : '../') }] as const;
      }),
    ),
  );
  const titleOf = (name: string) => pages.get(name)?.title ?? name;
  const chapters = Object.entries(CHAPTERS).map(([title, chapter]) => ({
    title,
    entries: chapter.map((name) => ({ place: `docs/${name}`, title: titleOf(name) })),
  }));
  const reference: Section['entries'] = [
    { place: 'docs/reference', title: 'API reference' },
    { place: 'docs/calls', title: 'All calls' },
    { place: 'docs/changes', title: 'Changes' },
    { place: 'problems', title: 'Problems' },
    { place: 'docs/governance', title: titleOf('governance') },
    { place: 'openapi/v1.json', title: 'OpenAPI document' },
    { place: 'asyncapi/v1.json', title: 'AsyncAPI document' },
  ];
  return { navigation: [...chapters, { title: 'Look up', entries: reference }], pages };
}

/** Our own Markdown as HTML; links to its neighbours in the repository become links to what is served. */
function renderMarkdown(text: string, root: Root): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text: words }: Tokens.Heading) {
        const inner = this.parser.parseInline(tokens);
        if (depth === 1) return `<h1>${inner}</h1>\n`;
        const id = slug(words);
        return `<h${depth} id="${id}"><a class="anchor" href="#${id}">${inner}</a></h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link) {
        return `<a href="${served(href, root)}">${this.parser.parseInline(tokens)}</a>`;
      },
      code({ text: code, lang }: Tokens.Code) {
        const escaped = code.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
        // Reachable by the keyboard, since it may scroll sideways.
        return `<pre tabindex="0"><code class="language-${lang || 'text'}">${escaped}</code></pre>\n`;
      },
      table(token: Tokens.Table) {
        const head = token.header.map(({ tokens }) => `<th>${this.parser.parseInline(tokens)}</th>`).join('');
        const rows = token.rows.map(
          (row) => `<tr>${row.map(({ tokens }) => `<td>${this.parser.parseInline(tokens)}</td>`).join('')}</tr>`,
        );
        return `<div class="table"><table>\n<tr>${head}</tr>\n${rows.join('\n')}\n</table></div>\n`;
      },
    },
  });
  return marked.parse(text, { async: false });
}

/** `errors.md#retry` is docs/errors#retry, `../../openapi/problems.md#rate_limited` is problems/rate_limited. */
function served(href: string, root: Root): string {
  const problem = /^(?:\.\.\/)+openapi\/problems\.md(?:#(\w+))?$/.exec(href);
  if (problem) return `${root}problems${problem[1] ? `/${problem[1]}` : ''}`;
  const neighbour = /^(?:\.\.\/docs\/guide\/)?([a-z-]+)\.md(#[\w-]+)?$/.exec(href);
  if (neighbour) {
    const [, name, fragment = ''] = neighbour;
    return name === 'index' ? `${root}docs${fragment}` : `${root}docs/${name}${fragment}`;
  }
  if (/^(?:\.\.\/)+openapi\/changes\.md$/.test(href)) return `${root}docs/changes`;
  if (/^(?:\.\.\/)+openapi\/asyncapi\.json$/.test(href)) return `${root}asyncapi/v1.json`;
  const schema = /^(?:\.\.\/)+openapi\/events\/(.+\.json)$/.exec(href);
  if (schema) return `${root}schemas/${schema[1]}`;
  const file = /^(?:\.\.\/)+(openapi\/.+\.json)$/.exec(href);
  return file ? `${root}${file[1]}` : href;
}

/** As GitHub makes them of headings: the same links lead there. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replace(/\s+/g, '-');
}
