/** A page of the documentation as HTML: readable without JavaScript, with no file from elsewhere. */

export interface PageContent {
  readonly title: string;
  /** HTML. */
  readonly content: string;
  /** How the page leads to the root of the service: '' from /docs, '../' from /docs/errors. */
  readonly root: Root;
  /** Where it stands, as in the navigation: `docs/errors`. */
  readonly place: string;
}

/** Links are relative, so that the pages also work behind a proxy that adds a path. */
export type Root = '' | '../';

/** One link of the navigation. */
export interface Entry {
  readonly place: string;
  readonly title: string;
}

export interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

export function htmlPage({ title, content, root, place }: PageContent, navigation: readonly Section[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)} · Holdfast</title>
<link rel="icon" href="${root}docs/assets/icon.svg">
<link rel="stylesheet" href="${root}docs/assets/page.css">
<script src="${root}docs/assets/page.js" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<nav aria-label="Documentation"><div>
<a class="brand" href="${root}docs">Holdfast</a>
${navigation.map((section) => navigationSection(section, root, place)).join('\n')}
</div></nav>
<main id="content">
${content}
</main>
</body>
</html>
`;
}

function navigationSection({ title, entries }: Section, root: Root, place: string): string {
  const items = entries.map((entry) => {
    const current = entry.place === place ? ' aria-current="page"' : '';
    return `<li><a href="${root}${entry.place}"${current}>${html(entry.title)}</a></li>`;
  });
  return `<p>${html(title)}</p>\n<ul>\n${items.join('\n')}\n</ul>`;
}

/** Text as HTML; `code` in backticks becomes code. */
export function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/`([^`]+)`/g, '<code>$1</code>');
}
