import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, Get, Header, Param, StreamableFile, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Endpoint } from '../access/endpoint.decorator.js';
import { Problem } from '../problems/problem.js';
import { DOCS_POLICY } from './page-policy.js';

const ASSETS = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
/** Links are relative, so that the page also works behind a proxy that adds a path. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"><p>This page needs JavaScript. The contract itself is <a href="openapi/v1.json">openapi/v1.json</a>.</p></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/** `validatorUrl: null`: otherwise the page would send the document's address to validator.swagger.io. */
const START = `SwaggerUIBundle({
  url: 'openapi/v1.json',
  dom_id: '#api',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  syntaxHighlight: { theme: 'obsidian' },
});
`;

const FILES: Readonly<Record<string, { readonly type: string; readonly read: () => Promise<Buffer> }>> = {
  'start.js': { type: 'text/javascript; charset=utf-8', read: async () => Buffer.from(START) },
  'swagger-ui.css': { type: 'text/css; charset=utf-8', read: asset('swagger-ui.css') },
  'swagger-ui-bundle.js': { type: 'text/javascript; charset=utf-8', read: asset('swagger-ui-bundle.js') },
  'favicon-32x32.png': { type: 'image/png', read: asset('favicon-32x32.png') },
};

/** The contract as a page to read and to try. Not itself part of the contract. */
@ApiExcludeController()
@Controller({ path: 'docs', version: VERSION_NEUTRAL })
export class DocsController {
  @Endpoint({ scope: null, validated: false, summary: 'Show the contract as a page' })
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', DOCS_POLICY)
  @Header('Cache-Control', 'public, max-age=300')
  @Get()
  readPage(): string {
    return PAGE;
  }

  @Endpoint({ scope: null, validated: false, summary: 'Give the page its script, style and icon' })
  @Header('Cache-Control', 'public, max-age=3600')
  @Get(':file')
  readFile(@Param('file') file: string): Promise<StreamableFile> {
    return find(file);
  }
}

async function find(file: string): Promise<StreamableFile> {
  const found = Object.hasOwn(FILES, file) ? FILES[file] : undefined;
  if (!found) throw new Problem('not_found', 'The documentation has no such file. It starts at /docs.');
  const content = await found.read();
  return new StreamableFile(content, { type: found.type, length: content.length });
}

/** A file of swagger-ui-dist, read at the first request and kept. */
function asset(name: string): () => Promise<Buffer> {
  let content: Promise<Buffer> | undefined;
  return () => {
    content ??= readFile(join(ASSETS, name));
    return content;
  };
}
