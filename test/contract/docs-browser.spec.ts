import type { Browser } from 'playwright-core';
import { startApp, TestApp } from '../support/app.js';
import { describeWithChromium, launchChromium } from '../support/chromium.js';

describeWithChromium('the documentation in a browser', () => {
  let app: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp(), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
  });

  /** Opens a page and watches it: whom it asks, and what it complains about. */
  async function open(path: string) {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url()));
    // What the page's policy forbids is told here too.
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(`${app.url}${path}`, { waitUntil: 'networkidle' });
    const elsewhere = () => asked.filter((url) => !url.startsWith(`${app.url}/`) && !/^(data|blob):/.test(url));
    return { page, asked, elsewhere, complaints };
  }

  it('shows an operation in the reference, and asks nobody but this service', async () => {
    const { page, asked, elsewhere, complaints } = await open('/docs/reference#tag/reservations/createReservation');
    await page.getByRole('heading', { name: 'Hold stock for a while' }).waitFor();
    expect(asked).toContain(`${app.url}/openapi/v1.json`);
    expect(elsewhere()).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('opens the reference at the call that a link names', async () => {
    const { page, elsewhere, complaints } = await open('/docs/calls');
    await page.locator('a[href="reference#tag/reservations/commitReservation"]').click();
    await page.locator('[id$="/tag/reservations/commitReservation"]').waitFor();
    await page.getByText('/v1/reservations/{id}/commit').first().waitFor();
    expect(elsewhere()).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('tries a call from the reference with a key that is typed in, straight at this service', async () => {
    const { page, asked, elsewhere, complaints } = await open('/docs/reference#tag/service/readLiveness');
    await page
      .locator('[id$="/tag/service/readLiveness"]')
      .getByRole('button', { name: /test request/i })
      .first()
      .click();
    await page.getByRole('button', { name: /^send/i }).first().click();
    await page.getByText('200 OK').first().waitFor();
    expect(asked.filter((url) => url === `${app.url}/health/live`)).not.toEqual([]);
    expect(elsewhere()).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows the guide, the problems and their buttons without a complaint', async () => {
    for (const path of ['/docs', '/docs/first-reservation', '/problems', '/problems/insufficient_stock']) {
      const { page, elsewhere, complaints } = await open(path);
      expect({ path, elsewhere: elsewhere(), complaints }).toEqual({ path, elsewhere: [], complaints: [] });
      if (path.includes('first')) expect(await page.getByRole('button', { name: 'Copy' }).count()).toBeGreaterThan(5);
      await page.close();
    }
  });

  it('reads the same without JavaScript', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${app.url}/docs`);
    await page.getByRole('link', { name: 'Webhooks in' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Webhooks in');
    await page.goto(`${app.url}/docs/reference`);
    await page.getByRole('link', { name: 'all calls' }).click();
    await page.getByText('/v1/reservations/{id}/commit').waitFor();
    await context.close();
  });
});
