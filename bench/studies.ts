import { applying } from './applying.js';
import { burst } from './burst.js';
import { contention } from './contention.js';
import type { Study } from './finding.js';
import { footprint } from './footprint.js';
import { freshness } from './freshness.js';
import { growth } from './growth.js';
import { latency } from './latency.js';
import { processes } from './processes.js';
import { reads } from './reads.js';
import { requests } from './requests.js';
import { sweep } from './sweep.js';

/** All that the bench measures, in the order in which it does. */
export const STUDIES: readonly Study[] = [
  ...reads,
  ...requests,
  ...contention,
  applying,
  latency,
  ...freshness,
  growth,
  processes,
  ...footprint,
  burst,
  sweep,
];
