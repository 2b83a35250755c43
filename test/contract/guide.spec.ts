import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { startApp, TestApp } from '../support/app.js';
import { describeIf, findOnPath } from '../support/programs.js';

const bash = (await findOnPath('bash')) && (await findOnPath('curl'));

/** A block of code of a page: its language and its text. */
interface Block {
  readonly language: string;
  readonly text: string;
}

async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(new URL(`../../docs/guide/${page}.md`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, block]) => ({
    language: language as string,
    text: block as string,
  }));
}

/** Runs a program with nothing in its environment but `env`, and answers what it wrote. Fails with it if it fails. */
function run(program: string, args: readonly string[], env: Record<string, string>, input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { PATH: process.env.PATH as string, ...env } });
    let output = '';
    let complaints = '';
    child.stdout.on('data', (part) => {
      output += part;
    });
    child.stderr.on('data', (part) => {
      complaints += part;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${program} ended with ${code}: ${complaints}${output}`));
    });
    child.stdin.end(input);
  });
}

const NEXT = '--- next block ---';

describeIf(
  Boolean(bash),
  'bash and curl',
  'Install both.',
  'the walk from the first key to the first reservation',
  () => {
    it('works in an empty shell as it stands, and gets the answers that it shows', async () => {
      const app = await startApp();
      const blocks = await blocksOf('first-reservation');
      const script = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
      const output = await run(
        'bash',
        ['-euo', 'pipefail'],
        { HOLDFAST_URL: app.url, ADMIN_KEY: app.adminKey },
        script.join(`\necho; echo '${NEXT}'\n`),
      );
      await app.close();
      const answers = output.split(NEXT).map((text) => text.trim());
      expect(answers).toHaveLength(script.length);
      expect(script.length).toBeGreaterThan(7);

      let compared = 0;
      let at = -1;
      for (const { language, text } of blocks) {
        if (language === 'sh') at += 1;
        else {
          const answer = answers[at] as string;
          if (language === 'json') expect(withoutChance(JSON.parse(answer))).toEqual(withoutChance(JSON.parse(text)));
          else expect(answer).toBe(text.trim());
          compared += 1;
        }
      }
      expect(compared).toBe(5);
      // What has no answer beside it succeeded too: no problem came that is not shown.
      expect(output.match(/"type":"\/problems/g)).toHaveLength(1);
    });
  },
);

describe('the recipe for signing', () => {
  it('has values to check against that Standard Webhooks itself gives', async () => {
    const text = await readFile(new URL('../../docs/guide/webhooks.md', import.meta.url), 'utf8');
    const value = (name: string) => new RegExp(`^\\| ${name} \\| \`(.+)\` \\|$`, 'm').exec(text)?.[1] as string;
    const at = new Date(Number(value('webhook-timestamp')) * 1_000);
    expect(new Webhook(value('secret')).sign(value('webhook-id'), at, value('body'))).toBe(value('webhook-signature'));
  });

  const RECIPES = [
    { language: 'js', program: 'node', file: 'send.mjs' },
    { language: 'python', program: 'python3', file: 'send.py' },
    { language: 'java', program: 'java', file: 'Send.java' },
  ];
  let app: TestApp;
  let directory: string;
  let sent = 0;
  beforeAll(async () => {
    app = await startApp();
    directory = await mkdtemp(join(tmpdir(), 'holdfast-recipes-'));
    await app.given.item({ sku: 'LAMP-7' });
    await app.given.location({ code: 'north' });
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    await app.close();
  });

  it.each(RECIPES)('in $language is taken by the service as it stands', async ({ language, program, file }) => {
    if (!(await findOnPath(program))) {
      process.stderr.write(`\nSKIPPED, for want of ${program}: the recipe for signing in ${language}.\n\n`);
      return;
    }
    const blocks = await blocksOf('webhooks');
    const [setUp] = blocks.filter((block) => block.language === 'sh');
    const recipe = blocks.find((block) => block.language === language);
    const body = /-d '([\s\S]*)'/.exec(setUp?.text as string)?.[1] as string;
    // Each by a source of its own, set up as the page says.
    const source = `wms-${language}`;
    const owns = sent === 0 ? JSON.parse(body) : { ...JSON.parse(body), owns: [] };
    const { body: made } = await app.api().put(`/v1/sources/${source}`, owns).expect(201);
    await writeFile(join(directory, file), recipe?.text as string);
    const output = await run(program, [join(directory, file)], {
      HOLDFAST_URL: app.url,
      SOURCE: source,
      SOURCE_SECRET: made.secret,
    });
    sent += 1;
    expect(output).toMatch(
      /^202 \{"events":\[\{"id":"evt_\w{26}","eventId":"receipt-[\w-]+","status":"received"\}\]\}/,
    );
  });
});

describeIf(
  Boolean(bash && (await findOnPath('openssl'))),
  'bash, curl and openssl',
  'Install all three.',
  'the page about webhooks',
  () => {
    it('sets up each scheme, sends by it, and brings in a file, as it stands in an empty shell', async () => {
      const app = await startApp();
      await app.given.item({ sku: 'LAMP-7' });
      await app.given.location({ code: 'north' });
      const script = (await blocksOf('webhooks')).filter(({ language }) => language === 'sh').map(({ text }) => text);
      const directory = await mkdtemp(join(tmpdir(), 'holdfast-webhooks-'));
      const env = { HOLDFAST_URL: app.url, ADMIN_KEY: app.adminKey };
      const inside = `cd '${directory}'\n${script.join(`\necho; echo '${NEXT}'\n`)}`;
      const answers = (await run('bash', ['-euo', 'pipefail'], env, inside)).split(NEXT);
      await app.close();
      await rm(directory, { recursive: true, force: true });
      expect(answers).toHaveLength(7);
      const [setUp, hmac, header, basic, file, asked, found] = answers as [string, ...string[]];
      expect(setUp).toMatch(/"secret":"whsec_/);
      for (const [answer, id] of [
        [hmac, 'hmac-1'],
        [header, 'header-1'],
        [basic, 'basic-1'],
      ]) {
        expect(answer).toContain(`"eventId":"${id}","status":"received"`);
      }
      expect(file).toMatch(/"id":"imp_\w+"/);
      expect(asked).toMatch(/"kind":"events"/);
      expect(JSON.parse(found as string).data).toMatchObject([{ eventId: 'basic-1', source: 'edi-basic' }]);
      expect(answers.join('')).not.toContain('"/problems');
    });
  },
);

/** An answer without what differs from run to run: ids and times. */
function withoutChance(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/[a-z]+_[0-9a-z]{26}/g, '<id>')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>');
  return JSON.parse(text);
}
