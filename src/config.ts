import { isAddressRange } from './access/addresses.js';

/**
 * The environment, parsed once at boot. Nothing else reads `process.env`.
 * A setting out of its bounds stops the start with a sentence that names it.
 */
export interface Config {
  /** TCP port the service listens on. `PORT`, 0 to 65535 (0: any free port), default 3000. */
  readonly port: number;
  /** Address it listens on. `HOST`, default 127.0.0.1 (the image sets 0.0.0.0). */
  readonly host: string;
  /** PostgreSQL 15 to 18. `DATABASE_URL`; absent: a bundled server is started under `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** Redis 6.2 or newer, used as cache only. `REDIS_URL`; absent: every answer comes from PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** Keep the stock of items asked for in the process as well, where there is a Redis. `AVAILABILITY_COPY`: on (default) or off. */
  readonly availabilityCopy: boolean;
  /** A first administrator key, for automation. `ADMIN_API_KEY`; absent: one is made and printed once. */
  readonly adminApiKey: string | undefined;
  /** Where the bundled PostgreSQL keeps its files. `DATA_DIR`, default `.data`. */
  readonly dataDir: string;
  /** `LOG_LEVEL`: fatal, error, warn, info, debug, trace or silent; default info. */
  readonly logLevel: string;
  /** Connections of the pool for everything but the posting engine. `DATABASE_POOL`, 2 to 200, default 10. */
  readonly databasePool: number;
  /** Mailboxes of the posting engine, each with a connection of its own. `ENGINE_MAILBOXES`, 1 to 16, default 2. */
  readonly engineMailboxes: number;
  /** Commands one mailbox holds before it answers 503. `ENGINE_QUEUE`, 1 to 100,000, default 4,000. */
  readonly engineQueue: number;
  /** Milliseconds a command may wait before its transaction opens. `ENGINE_DEADLINE_MS`, 10 to 60,000, default 5,000. */
  readonly engineDeadlineMs: number;
  /** Milliseconds between two looks for expired holds. `EXPIRY_SWEEP_MS`, 0 (off) to 3,600,000, default 1,000. */
  readonly expirySweepMs: number;
  /**
   * Milliseconds between two looks for events that another process has received; what this process receives is applied
   * at once. `INGEST_POLL_MS`, 0 (this process only receives, others apply) to 60,000, default 250.
   */
  readonly ingestPollMs: number;
  /** What the secrets of sources are encrypted under. `SECRET_ENCRYPTION_KEY`; absent: made, and kept in `dataDir`. */
  readonly secretEncryptionKey: string | undefined;
  /**
   * What API keys are hashed under, each 32 characters or more: the first is for new hashes, and keys of the others
   * stay good. `API_KEY_PEPPER`, parted by commas; absent: SECRET_ENCRYPTION_KEY, or one that is kept in `dataDir`.
   */
  readonly apiKeyPeppers: readonly string[];
  /** Keys that nobody has, from one address in a minute, before 429. `FAILED_ATTEMPTS_PER_MINUTE`, 1 to 1,000,000, default 30. */
  readonly failedAttemptsPerMinute: number;
  /**
   * Proxies whose X-Forwarded-For is believed: addresses and CIDR ranges. `TRUSTED_PROXIES`, parted by commas; absent:
   * none, and the address of a caller is that of its connection.
   */
  readonly trustedProxies: readonly string[];
  /** undefined: only API keys are accepted. */
  readonly jwt: JwtConfig | undefined;
  /** Days that received events are kept, and told from new ones. `INBOX_RETENTION_DAYS`, 30 to 3,650, default 90. */
  readonly inboxRetentionDays: number;
  /**
   * Events a minute that a source may send which has no limit of its own. `INGEST_EVENTS_PER_MINUTE`, 0 (as many as it
   * likes) to 10,000,000, default 1,000,000.
   */
  readonly ingestEventsPerMinute: number;
  /**
   * Web origins whose pages may call us from a browser. `CORS_ORIGINS`: exact ones, such as https://shop.example.com,
   * separated by commas; absent: none.
   */
  readonly corsOrigins: readonly string[];
  /** Milliseconds the headers of a request may take to arrive. `HEADERS_TIMEOUT_MS`, 100 to 120,000, default 10,000. */
  readonly headersTimeoutMs: number;
  /**
   * Milliseconds a body may take to arrive; it is cut off before twice that. An import may take as long as it moves: a
   * connection on which nothing does for four times that is closed. `REQUEST_TIMEOUT_MS`, 100 to 600,000, default 30,000.
   */
  readonly requestTimeoutMs: number;
  /**
   * Milliseconds a connection is kept for another request: longer than your proxy keeps it. `KEEP_ALIVE_TIMEOUT_MS`, 1,000
   * to 600,000, default 72,000.
   */
  readonly keepAliveTimeoutMs: number;
  /** Connections at once; more are closed at once. `MAX_CONNECTIONS`, 1 to 1,000,000, default 10,000. */
  readonly maxConnections: number;
  /** MiB that bodies above 16 KiB may take up while they arrive; more get 503. `BODY_MEMORY_MB`, 5 to 65,536, default 256. */
  readonly bodyMemoryMb: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/** Tokens of an identity provider beside API keys. */
export interface JwtConfig {
  /** What `iss` must be. `JWT_ISSUER`; absent, as the next two: no tokens are accepted. */
  readonly issuer: string;
  /** What `aud` must be or contain. `JWT_AUDIENCE`. */
  readonly audience: string;
  /** Where the provider shows its keys (JWKS); https, or http on this machine. `JWT_JWKS_URL`. */
  readonly jwksUrl: string;
  /** How tokens may be signed. `JWT_ALGORITHMS`, of RS, PS and ES with 256, 384 and 512, and EdDSA; default RS256,ES256. */
  readonly algorithms: readonly string[];
  /** The claim that names the client by its code. `JWT_CLIENT_CLAIM`, default client_id. */
  readonly clientClaim: string;
  /** The claim with the scopes, a list or a text with spaces. `JWT_SCOPE_CLAIM`, default scope. */
  readonly scopeClaim: string;
  /** The claim that narrows the token to a channel by its code. `JWT_CHANNEL_CLAIM`, default channel. */
  readonly channelClaim: string;
  /** Seconds that clocks may differ. `JWT_CLOCK_TOLERANCE_SECONDS`, 0 to 300, default 30. */
  readonly clockToleranceSeconds: number;
}

/** HS256 and none are not among them: with either, what everybody may read would be enough to sign. */
const JWT_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Reads the environment. Throws an Error whose message names every setting that is out of bounds. */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const complaints: string[] = [];

  const whole = (name: string, fallback: number, least: number, most: number): number => {
    const text = env[name]?.trim();
    if (!text) return fallback;
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      complaints.push(`${name} is "${text}": it takes a whole number from ${least} to ${most}.`);
    }
    return value;
  };
  const url = (name: string, protocols: string[]): string | undefined => {
    const text = env[name]?.trim();
    if (!text) return undefined;
    if (!protocols.some((protocol) => text.startsWith(`${protocol}://`))) {
      complaints.push(`${name} takes a URL that starts with ${protocols.map((p) => `${p}://`).join(' or ')}.`);
    }
    return text;
  };

  const onOrOff = (name: string, fallback: boolean): boolean => {
    const text = env[name]?.trim() || (fallback ? 'on' : 'off');
    if (text !== 'on' && text !== 'off') complaints.push(`${name} is "${text}": it takes on or off.`);
    return text === 'on';
  };

  const origins = (name: string): string[] => {
    const given = (env[name] ?? '').split(',').flatMap((each) => each.trim() || []);
    for (const each of given) {
      // `*` would let any page that somebody opens try keys from that browser.
      if (URL.canParse(each) && new URL(each).origin === each) continue;
      complaints.push(
        `${name} has "${each}": it takes exact origins such as https://shop.example.com, without a path.`,
      );
    }
    return given;
  };

  const logLevel = env.LOG_LEVEL?.trim() || 'info';
  if (!LOG_LEVELS.includes(logLevel)) complaints.push(`LOG_LEVEL is "${logLevel}": it takes ${LOG_LEVELS.join(', ')}.`);
  const adminApiKey = env.ADMIN_API_KEY?.trim() || undefined;
  if (adminApiKey !== undefined && adminApiKey.length < 16) {
    complaints.push('ADMIN_API_KEY is shorter than 16 characters: choose a longer one.');
  }

  const secretEncryptionKey = env.SECRET_ENCRYPTION_KEY?.trim() || undefined;
  if (secretEncryptionKey !== undefined && secretEncryptionKey.length < 32) {
    complaints.push('SECRET_ENCRYPTION_KEY is shorter than 32 characters: take 32 random bytes in base64.');
  }

  const list = (name: string): string[] =>
    (env[name] ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  const apiKeyPeppers = list('API_KEY_PEPPER');
  if (apiKeyPeppers.some((pepper) => pepper.length < 32)) {
    complaints.push('API_KEY_PEPPER is shorter than 32 characters: take 32 random bytes in base64.');
  }
  const trustedProxies = list('TRUSTED_PROXIES');
  const strangers = trustedProxies.filter((range) => !isAddressRange(range));
  if (strangers.length > 0) {
    complaints.push(`TRUSTED_PROXIES has "${strangers[0]}": it takes addresses and ranges such as 10.0.0.0/8.`);
  }

  const readJwt = (): JwtConfig | undefined => {
    const [issuer, audience] = [env.JWT_ISSUER?.trim(), env.JWT_AUDIENCE?.trim()];
    const jwksUrl = url('JWT_JWKS_URL', ['https', 'http']);
    const algorithms = list('JWT_ALGORITHMS');
    const clockToleranceSeconds = whole('JWT_CLOCK_TOLERANCE_SECONDS', 30, 0, 300);
    const unknown = algorithms.find((algorithm) => !JWT_ALGORITHMS.includes(algorithm));
    if (unknown) complaints.push(`JWT_ALGORITHMS has "${unknown}": it takes ${JWT_ALGORITHMS.join(', ')}.`);
    if (!issuer && !audience && !jwksUrl) return undefined;
    if (!issuer || !audience || !jwksUrl) {
      complaints.push('JWT_ISSUER, JWT_AUDIENCE and JWT_JWKS_URL belong together: set all three, or none.');
      return undefined;
    }
    if (!/^https:|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/.test(jwksUrl)) {
      complaints.push('JWT_JWKS_URL takes https: whoever can change what it answers can sign tokens.');
    }
    return {
      ...{ issuer, audience, jwksUrl, clockToleranceSeconds },
      algorithms: algorithms.length > 0 ? algorithms : ['RS256', 'ES256'],
      clientClaim: env.JWT_CLIENT_CLAIM?.trim() || 'client_id',
      scopeClaim: env.JWT_SCOPE_CLAIM?.trim() || 'scope',
      channelClaim: env.JWT_CHANNEL_CLAIM?.trim() || 'channel',
    };
  };

  const config: Config = {
    port: whole('PORT', 3000, 0, 65_535),
    host: env.HOST?.trim() || '127.0.0.1',
    databaseUrl: url('DATABASE_URL', ['postgres', 'postgresql']),
    redisUrl: url('REDIS_URL', ['redis', 'rediss']),
    availabilityCopy: onOrOff('AVAILABILITY_COPY', true),
    adminApiKey,
    dataDir: env.DATA_DIR?.trim() || '.data',
    logLevel,
    databasePool: whole('DATABASE_POOL', 10, 2, 200),
    engineMailboxes: whole('ENGINE_MAILBOXES', 2, 1, 16),
    engineQueue: whole('ENGINE_QUEUE', 4_000, 1, 100_000),
    engineDeadlineMs: whole('ENGINE_DEADLINE_MS', 5_000, 10, 60_000),
    expirySweepMs: whole('EXPIRY_SWEEP_MS', 1_000, 0, 3_600_000),
    ingestPollMs: whole('INGEST_POLL_MS', 250, 0, 60_000),
    secretEncryptionKey,
    apiKeyPeppers,
    failedAttemptsPerMinute: whole('FAILED_ATTEMPTS_PER_MINUTE', 30, 1, 1_000_000),
    trustedProxies,
    jwt: readJwt(),
    inboxRetentionDays: whole('INBOX_RETENTION_DAYS', 90, 30, 3_650),
    ingestEventsPerMinute: whole('INGEST_EVENTS_PER_MINUTE', 1_000_000, 0, 10_000_000),
    corsOrigins: origins('CORS_ORIGINS'),
    headersTimeoutMs: whole('HEADERS_TIMEOUT_MS', 10_000, 100, 120_000),
    requestTimeoutMs: whole('REQUEST_TIMEOUT_MS', 30_000, 100, 600_000),
    keepAliveTimeoutMs: whole('KEEP_ALIVE_TIMEOUT_MS', 72_000, 1_000, 600_000),
    maxConnections: whole('MAX_CONNECTIONS', 10_000, 1, 1_000_000),
    bodyMemoryMb: whole('BODY_MEMORY_MB', 256, 5, 65_536),
  };
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  return config;
}
