import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changesBetween } from '../../contract/changes.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// biome-ignore lint/suspicious/noExplicitAny: a document to be spoilt
type Document = any;
const released: Document = JSON.parse(await readFile(join(ROOT, 'openapi/released/v1.json'), 'utf8'));

function renameMember(document: Document, schema: string, from: string, to: string): void {
  const { properties, required } = document.components.schemas[schema];
  properties[to] = properties[from];
  delete properties[from];
  required.splice(required.indexOf(from), 1, to);
}

/** What a change of the document does to clients: the sentences of what breaks, and how many changes do not. */
async function changed(change: (document: Document) => void) {
  const document = structuredClone(released);
  change(document);
  const changes = await changesBetween(released, document);
  return {
    breaks: changes.filter(({ breaks }) => breaks).map(({ sentence }) => sentence),
    news: changes.filter(({ breaks }) => !breaks).map(({ sentence }) => sentence),
  };
}

describe('a change of the contract breaks clients', () => {
  it.each<[string, (document: Document) => void, RegExp]>([
    [
      'a member of an answer is renamed',
      (document) => renameMember(document, 'ItemView', 'baseUom', 'unit'),
      /^Clients with catalog:read, catalog:write that read `baseUom` from the answer of getItem \(GET \/v1\/items\/\{sku\}\), putItem .* break: removed the required property `baseUom` from the answer\.$/,
    ],
    [
      'a request needs a new member',
      ({ components: { schemas } }) => {
        schemas.PutLocation.properties.zone = { type: 'string' };
        schemas.PutLocation.required.push('zone');
      },
      /^Clients with catalog:write that call putLocation .* as they do today break: added the new required request property `zone`\.$/,
    ],
    [
      'a value is taken no more',
      ({ components: { schemas } }) => schemas.AdjustStock.properties.reason.enum.pop(),
      /^Clients with stock:write that call adjustStock .* break: removed the enum value `other` of the request property `reason`\.$/,
    ],
    [
      'a path is gone',
      ({ paths }) => delete paths['/v1/stock/transfers'],
      /^Clients with stock:write that call transferStock .* break: api path removed without deprecation\.$/,
    ],
    [
      'an answer has a value that nobody knew',
      ({ components: { schemas } }) => schemas.ReservationView.properties.status.enum.push('lost'),
      /^Clients .* that know only the values of today break: added the new `lost` enum value/,
    ],
    [
      'a member of an answer may be null',
      ({ components: { schemas } }) => {
        schemas.ReservationView.properties.expiresAt.type = ['string', 'null', 'integer'];
      },
      /break/,
    ],
    [
      'less is taken than before',
      ({ components: { schemas } }) => {
        schemas.PutLocation.properties.name.maxLength = 20;
      },
      /^Clients with catalog:write that call putLocation .* `20`/,
    ],
    [
      'a header of an answer is gone',
      ({ components: { headers } }) => {
        headers['X-Request-Id'].required = false;
      },
      /X-Request-Id/,
    ],
    [
      'an operation is deprecated with too little time',
      ({ paths }) => {
        Object.assign(paths['/v1/stock/transfers'].post, { deprecated: true, 'x-sunset': inDays(100) });
      },
      /^Clients .* that call transferStock .* break: .*365/,
    ],
  ])('where %s', async (_, change, sentence) => {
    const { breaks } = await changed(change);
    expect(breaks).toContainEqual(expect.stringMatching(sentence));
  });
});

describe('a change of the contract breaks nobody', () => {
  it.each<[string, (document: Document) => void]>([
    ['nothing changes', () => {}],
    [
      'an answer has a new member',
      ({ components: { schemas } }) => {
        schemas.Problem.properties.hint = { type: 'string' };
      },
    ],
    [
      'a request may have a new member',
      ({ components: { schemas } }) => {
        schemas.PutLocation.properties.zone = { type: 'string' };
      },
    ],
    [
      'there is a new route, a new problem of an old one and a new header',
      ({ paths, components: { headers } }) => {
        paths['/v1/zones'] = structuredClone(paths['/v1/locations']);
        paths['/v1/zones'].get.operationId = 'listZones';
        headers.RateLimit = { schema: { type: 'string' } };
        const { responses } = paths['/v1/items'].get;
        responses['429'] = {
          description: 'Too much.',
          headers: { RateLimit: { $ref: '#/components/headers/RateLimit' } },
        };
        responses['200'].headers.RateLimit = { $ref: '#/components/headers/RateLimit' };
      },
    ],
    [
      'an operation is deprecated in time',
      ({ paths }) => {
        Object.assign(paths['/v1/stock/transfers'].post, { deprecated: true, 'x-sunset': inDays(400) });
      },
    ],
    [
      'the list of problems, or another that may grow, grows',
      ({ components: { schemas } }) => schemas.Problem.properties.code['x-extensible-enum'].push('too_early'),
    ],
  ])('where %s', async (_, change) => {
    expect((await changed(change)).breaks).toEqual([]);
  });

  it('where a deprecated operation goes after its sunset', async () => {
    const before = structuredClone(released);
    Object.assign(before.paths['/v1/stock/transfers'].post, { deprecated: true, 'x-sunset': inDays(-1) });
    const after = structuredClone(released);
    delete after.paths['/v1/stock/transfers'];
    const changes = await changesBetween(before, after);
    expect(changes.filter(({ breaks }) => breaks)).toEqual([]);
  });

  it('is told in one sentence for all the operations and statuses it concerns', async () => {
    const { news } = await changed(({ components: { schemas } }) => {
      schemas.Problem.properties.hint = { type: 'string' };
    });
    expect(news).toEqual([
      expect.stringMatching(/^\d+ operations .*: added the optional property `hint` to the answer\.$/),
    ]);
  });
});

describe('npm run openapi:check', () => {
  let copy: string;
  beforeEach(async () => {
    copy = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
    await cp(join(ROOT, 'openapi'), copy, { recursive: true });
  });
  afterEach(() => rm(copy, { recursive: true, force: true }));

  /** Runs the part of the command that compares, on the copy. */
  function compare(mode: string): Promise<{ code: number; said: string }> {
    const args = ['--import', './test/support/load-typescript.mjs', 'contract/main.ts', mode, copy];
    return new Promise((resolve) => {
      execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr });
      });
    });
  }

  async function change(by: (document: Document) => void): Promise<void> {
    const document = JSON.parse(await readFile(join(copy, 'v1.json'), 'utf8'));
    by(document);
    await writeFile(join(copy, 'v1.json'), JSON.stringify(document, null, 2));
  }

  it('passes as it stands', async () => {
    expect(await compare('check')).toMatchObject({ code: 0 });
  });

  it('fails where a member of an answer was renamed, and says what breaks for whom', async () => {
    await change((document) => renameMember(document, 'ReservationView', 'expiresAt', 'validUntil'));
    const { code, said } = await compare('check');
    expect(code).toBe(1);
    expect(said).toMatch(
      /Clients with .*reservations:write.* that read `expiresAt` from the answer of .* break: removed/,
    );
    expect(said).toMatch(/breaks clients of release .*@Deprecated.*docs\/guide\/versioning\.md/);
  });

  it('fails where an event takes less than it did, and says so', async () => {
    const file = join(copy, 'events/stock.received.v1.json');
    const schema = JSON.parse(await readFile(file, 'utf8'));
    schema.properties.data.required.push('lot');
    await writeFile(file, JSON.stringify(schema));
    const { code, said } = await compare('check');
    expect(code).toBe(1);
    expect(said).toMatch('Sources that send stock.received.v1 as they do today break: `/data/lot` is now required.');
  });

  it('takes the rename where it is known that the old name was never there', async () => {
    await change(({ components: { schemas } }) => delete schemas.AuditView.properties.checked);
    expect((await compare('check')).code).toBe(1);
    const because = 'the service never sent it.';
    const correction = {
      change: 'removed the required property `checked` from the answer',
      operations: ['auditStock'],
      because,
    };
    await writeFile(join(copy, 'released/corrections.json'), JSON.stringify([correction]));
    expect(await compare('write')).toMatchObject({ code: 0 });
    expect(await compare('check')).toMatchObject({ code: 0 });
    expect(await readFile(join(copy, 'changes.md'), 'utf8')).toMatch('Not really: the service never sent it.');
  });

  it('wants what is new to be told, and a release to begin a new page', async () => {
    await change(({ components: { schemas } }) => {
      schemas.Problem.properties.hint = { type: 'string' };
    });
    expect(await compare('check')).toMatchObject({ code: 1, said: expect.stringMatching('changes.md is stale') });
    await compare('write');
    expect(await compare('check')).toMatchObject({ code: 0 });
    expect(await readFile(join(copy, 'changes.md'), 'utf8')).toMatch(/## Not released\n\n(.*\n)*- .*`hint`/);
    await compare('release');
    expect(await readFile(join(copy, 'changes.md'), 'utf8')).toMatch(
      /## Not released\n\nNothing\.\n\n## .*\n\n(.*\n)*- .*`hint`/,
    );
    expect(await compare('check')).toMatchObject({ code: 0 });
  });
});

function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}
