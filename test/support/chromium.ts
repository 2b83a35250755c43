import { type Browser, chromium } from 'playwright-core';
import { describeIf, findOrInstall } from './programs.js';

/** Global set-up tells the workers with this which browser to start; empty if there is none. */
const PROGRAM = 'HOLDFAST_TEST_CHROMIUM';
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Looks for a browser, and as root on Debian installs one (290 MB, about a minute). For global set-up. */
export async function prepareChromium(): Promise<void> {
  process.env[PROGRAM] = (await findOrInstall(NAMES, 'chromium')) ?? '';
}

/** A `describe` for what needs a browser. */
export function describeWithChromium(name: string, body: () => void): void {
  const remedy = 'Install chromium (apt-get install chromium) or Google Chrome.';
  describeIf(Boolean(process.env[PROGRAM]), 'a browser', remedy, name, body);
}

/** A browser that asks nobody for anything of its own. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env[PROGRAM] as string,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}
