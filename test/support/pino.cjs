/**
 * What src/log.ts opens in tests: it writes what was asked for, and shows all of it, down to `trace`, to leaks.ts.
 * CommonJS, because Fastify asks for the same module in that way.
 */
const pino = require('../../node_modules/pino/pino.js');

function watched(options = {}, ...more) {
  if (more.length > 0 || typeof options.write === 'function') return pino(options, ...more);
  const least = options.level === 'silent' ? Number.POSITIVE_INFINITY : pino.levels.values[options.level ?? 'info'];
  const write = (line) => {
    globalThis.holdfastLookThrough?.(line);
    if (Number(/"level":(\d+)/.exec(line)?.[1]) >= least) process.stdout.write(line);
  };
  return pino({ ...options, level: 'trace' }, { write });
}

module.exports = Object.assign(watched, pino, { default: watched, pino: watched });
