export interface Welcome {
  readonly version: string;
  /** Where the service answers, without a slash at the end. */
  readonly url: string;
  /** Where the data is, in words. */
  readonly data: string;
  readonly redis: boolean;
  /** A key that was made just now. It is shown here and never again. */
  readonly administratorKey: string | undefined;
}

/** What a person who has started the service wants to know first. */
export function banner({ version, url, data, redis, administratorKey }: Welcome): string {
  const lines = [
    `Holdfast ${version} is ready.`,
    '',
    `  API    ${url}`,
    `  Docs   ${url}/docs`,
    `  Data   ${data}`,
    `  Cache  ${redis ? 'Redis' : 'none: REDIS_URL is not set, so availability is read from PostgreSQL'}`,
  ];
  if (administratorKey !== undefined) {
    lines.push(
      '',
      '  Administrator key, shown only this once:',
      '',
      `    ${administratorKey}`,
      '',
      '  A distributor to play with, in another terminal:',
      '',
      `    HOLDFAST_URL=${url} HOLDFAST_KEY=${administratorKey} npm run demo`,
    );
  }
  return `\n${lines.join('\n')}\n\n  Ctrl-C stops it.\n`;
}
