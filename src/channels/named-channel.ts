import type { Principal } from '../access/principal.js';
import { invalid, Problem, unknownInBody } from '../problems/problem.js';
import type { Configuration, DirectoryChannel } from './directory.js';

/**
 * The channel a request is for: the key's own, or the one it names in its body or as a parameter.
 * Throws 403 `channel_forbidden` for another than the key's, 404 or 422 `unknown_channel`, 400 where none is named.
 */
export function channelFor(
  caller: Principal,
  named: string | undefined,
  configuration: Configuration,
  where: 'body' | 'parameter' = 'body',
): DirectoryChannel {
  if (caller.channel) {
    if (named !== undefined && named !== caller.channel.code) {
      throw new Problem('channel_forbidden', `This key sells in ${caller.channel.code}: leave channel out.`);
    }
    const own = configuration.channelById(caller.channel.id);
    if (!own) throw new Problem('unknown_channel', `The channel of this key, ${caller.channel.code}, is gone.`);
    return own;
  }
  if (named === undefined) {
    const place = where === 'body' ? { pointer: '/channel' } : { parameter: 'channel' };
    throw invalid([{ ...place, code: 'required', detail: 'name the channel: this key is bound to none' }]);
  }
  const channel = configuration.channel(named);
  if (channel) return channel;
  const detail = `There is no channel ${named}.`;
  throw where === 'body'
    ? unknownInBody('unknown_channel', '/channel', detail)
    : new Problem('unknown_channel', detail);
}
