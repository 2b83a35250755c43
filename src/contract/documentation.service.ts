import { Injectable } from '@nestjs/common';
import { Answer } from '../access/answer.js';
import { Problem, ProblemCode } from '../problems/problem.js';
import { callsPage } from './calls-page.js';
import { readGuide } from './guide.reader.js';
import { htmlPage, type PageContent } from './page.js';
import { isProblemCode, problemIndexPage, problemPage } from './problem-pages.js';
import { nameOfScalar, parseContract, readEventSchemas, readSite } from './site.reader.js';

/** What a partner reads: the guide, the reference, every call, every problem. */
@Injectable()
export class Documentation {
  async home(): Promise<string> {
    return this.guidePage('index', { root: '', place: 'docs' });
  }

  /** Throws `not_found`. */
  async page(name: string): Promise<string> {
    if (name === 'calls') {
      const content = callsPage(await parseContract());
      return this.show({ title: 'All calls', content, root: '../', place: 'docs/calls' });
    }
    if (name === 'index') throw unknownPage();
    return this.guidePage(name, { root: '../', place: `docs/${name}` });
  }

  async problems(): Promise<string> {
    return this.show({ title: 'Problems', content: problemIndexPage(), root: '', place: 'problems' });
  }

  /** Throws `not_found`. */
  async problem(code: string): Promise<string> {
    const known = knownProblem(code);
    const content = problemPage(known, await parseContract());
    return this.show({ title: known, content, root: '../', place: 'problems' });
  }

  /** Scalar has a navigation of its own, so this page has none of ours but a way back. */
  async reference(): Promise<string> {
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference · Holdfast</title>
<link rel="icon" href="assets/icon.svg">
</head>
<body>
<noscript><p>The reference needs JavaScript. Without it, read <a href="calls">all calls</a> and
<a href="../openapi/v1.json">the document itself</a>.</p></noscript>
<div id="reference"></div>
<script src="assets/${await nameOfScalar()}"></script>
<script src="assets/reference.js"></script>
</body>
</html>
`;
  }

  /** By the name of its file. Throws `not_found`. */
  async eventSchema(file: string): Promise<Buffer> {
    const schema = (await readEventSchemas()).get(file);
    if (!schema) throw new Problem('not_found', 'No event has that type. All of them are in /asyncapi/v1.json.');
    return schema;
  }

  /** A file of the pages, compressed where the reader takes that. Throws `not_found`. */
  async asset(name: string, accepted = ''): Promise<Answer<null>> {
    const file = (await readSite()).get(name);
    if (!file) throw new Problem('not_found', 'The documentation has no such file. It starts at /docs.');
    const compressed = /\bbr\b/.test(accepted) ? file.compressed : undefined;
    const headers = {
      'Content-Type': file.type,
      'Cache-Control': file.immutable ? 'public, max-age=31536000, immutable' : 'public, max-age=300',
      ...(file.compressed ? { Vary: 'Accept-Encoding' } : {}),
      ...(compressed ? { 'Content-Encoding': 'br' } : {}),
    };
    return new Answer(200, null, headers, compressed ?? file.content);
  }

  private async guidePage(name: string, at: Pick<PageContent, 'root' | 'place'>): Promise<string> {
    const page = (await readGuide()).pages.get(name);
    if (!page) throw unknownPage();
    return this.show({ ...page, ...at });
  }

  private async show(page: PageContent): Promise<string> {
    return htmlPage(page, (await readGuide()).navigation);
  }
}

function unknownPage(): Problem {
  return new Problem('not_found', 'The documentation has no such page. It starts at /docs.');
}

function knownProblem(code: string): ProblemCode {
  if (isProblemCode(code)) return code;
  throw new Problem('not_found', 'There is no problem with this code. All of them are listed at /problems.');
}
