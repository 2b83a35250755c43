import pino from 'pino';

/** What a key of ours, a secret of a source, a bearer token or the password of a URL looks like. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\bhf_[0-9A-Za-z_]{16,}/g, 'hf_…'],
  [/\bwhsec_[^\s"'&,]+/g, 'whsec_…'],
  [/\b(Bearer|Basic) +[^\s"',]+/gi, '$1 …'],
  [/(\b[a-z]{2,20}:\/\/[^\s:@/]{0,100}):[^\s@/]{1,200}@/gi, '$1:…@'],
];

/** Causes of causes that a line shows. */
const DEEPEST = 4;

/**
 * The log of one part of the service, JSON on standard output. What goes in is chosen, not what is kept out: of a
 * request nothing but what we name, of an error the fields of `errorForLog`.
 */
export function openLog({ logLevel }: { readonly logLevel: string }, name?: string): pino.Logger {
  return pino({
    level: logLevel,
    ...(name === undefined ? {} : { name }),
    serializers: { err: (error: unknown) => errorForLog(error), req: nothing, res: nothing },
  });
}

/** The text without whatever in it is a secret by its looks. */
export function masked(text: string): string {
  return SECRETS.reduce((rest, [secret, instead]) => rest.replace(secret, instead), text);
}

/**
 * An error as the log has it. The drivers hang more on theirs: TypeORM the parameters of the statement (hashes of keys,
 * payloads), ioredis the arguments of the command (of AUTH: the password), PostgreSQL the row in `detail`.
 */
export function errorForLog(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: masked(String(error)) };
  const { name, stack, cause } = error;
  const { code, constraint, table, routine, driverError } = error as unknown as Record<string, unknown>;
  const beneath = cause ?? driverError;
  // PostgreSQL quotes the value that it could not read: class 22, data exception.
  const message = String(code).startsWith('22') ? error.message.replace(/".*/s, '…') : error.message;
  return {
    type: name,
    message: masked(message),
    ...texts({ code, constraint, table, routine }),
    ...(stack === undefined ? {} : { stack: masked(stack.replace(error.message, () => message)) }),
    ...(beneath === undefined || depth === DEEPEST ? {} : { cause: errorForLog(beneath, depth + 1) }),
  };
}

function texts(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value === 'string')) as Record<
    string,
    string
  >;
}

function nothing(): undefined {
  return undefined;
}
