import type { Change } from './changes.js';

/** Schemas of events by their type. */
export type EventSchemas = Readonly<Record<string, Schema>>;

interface Schema {
  readonly [keyword: string]: unknown;
  readonly title?: string;
}

/** What says nothing of what is taken. */
const NOTES = new Set(['$schema', 'title', 'description', 'examples', 'default', 'format']);
/** Less is taken if it falls, or appears. */
const UPPER = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems']);
/** Less is taken if it rises, or appears. */
const LOWER = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems']);

/**
 * What differs between the released schemas of events and those at hand. It breaks if an event that was taken may be
 * refused, or a member that was read is passed over; what this cannot tell from a keyword counts as a break.
 */
export function eventChanges(released: EventSchemas, current: EventSchemas): Change[] {
  const removed = Object.keys(released).filter((type) => !Object.hasOwn(current, type));
  return [
    ...removed.map((type) => changeOf(type, true, 'it is taken no more')),
    ...Object.entries(current).flatMap(([type, schema]) => {
      const before = released[type];
      if (before === undefined) return [changeOf(type, false, `a new event: ${schema.title}`)];
      const breaks = narrowed(before, schema, '').map((text) => changeOf(type, true, text));
      return [...breaks, ...added(before, schema, '').map((text) => changeOf(type, false, text))];
    }),
  ];
}

function changeOf(type: string, breaks: boolean, text: string): Change {
  const sentence = breaks ? `Sources that send ${type} as they do today break: ${text}.` : `${type}: ${text}.`;
  return { id: 'event', breaks, text, operations: [type], sentence };
}

/**
 * How `after` takes less than `before`; `path` is the pointer of a member in an event. In a condition a member that is
 * named for the first time is one more that counts; elsewhere it is one more that may be sent.
 */
function narrowed(before: Schema, after: Schema, path: string, inCondition = false): string[] {
  const where = path === '' ? 'the event' : `\`${path}\``;
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)].filter((keyword) => !NOTES.has(keyword)));
  return [...keywords].flatMap((keyword) => {
    const [old, now] = [before[keyword], after[keyword]];
    if (JSON.stringify(old) === JSON.stringify(now)) return [];
    if (keyword === '$id') return [`its schema is no longer at ${old}`];
    if (keyword === 'properties') return narrowedMembers(members(before), members(after), path, inCondition);
    // Whatever else is taken away was a condition, and is none any more.
    if (now === undefined) return [];
    if (keyword === 'required') return lacking(now, old).map((name) => `\`${path}/${name}\` is now required`);
    if (keyword === 'type') {
      const lost = lacking(old ?? ['any type'], now).filter(
        (type) => type !== 'integer' || !set(now).includes('number'),
      );
      return lost.map((type) => `${where} may no longer be ${type}`);
    }
    if (keyword === 'enum' || keyword === 'const') {
      const taken = keyword === 'const' ? [now] : now;
      const values = before.enum ?? (Object.hasOwn(before, 'const') ? [before.const] : ['any other value']);
      return lacking(values, taken).map((value) => `${where} may no longer be ${JSON.stringify(value)}`);
    }
    if (UPPER.has(keyword)) return Number(now) < Number(old ?? Infinity) ? [`${where} has a ${keyword} of ${now}`] : [];
    if (LOWER.has(keyword))
      return Number(now) > Number(old ?? -Infinity) ? [`${where} has a ${keyword} of ${now}`] : [];
    if (keyword === 'items' && old !== undefined)
      return narrowed(old as Schema, now as Schema, `${path}/*`, inCondition);
    if (keyword === 'allOf') return unmet(schemas(now), schemas(old), path, `${where} must meet another condition`);
    if (keyword === 'anyOf' && old !== undefined) {
      // Each way in which it was taken must be within one in which it is.
      const closed = schemas(old).filter((way) =>
        schemas(now).every((other) => narrowed(way, other, path, true).length > 0),
      );
      return closed.length === 0 ? [] : [`${where} may no longer be as one of its alternatives was`];
    }
    return [`${where} has another ${keyword}`];
  });
}

/** Conditions of `after` that none of `before` implies. */
function unmet(after: readonly Schema[], before: readonly Schema[], path: string, text: string): string[] {
  return after.every((one) => before.some((other) => narrowed(other, one, path, true).length === 0)) ? [] : [text];
}

function narrowedMembers(before: EventSchemas, after: EventSchemas, path: string, inCondition: boolean): string[] {
  const fresh = inCondition ? Object.keys(after).filter((name) => !Object.hasOwn(before, name)) : [];
  return [
    ...fresh.map((name) => `\`${path}/${name}\` must meet another condition`),
    ...Object.entries(before).flatMap(([name, schema]) => {
      const now = after[name];
      // A condition that says less of a member takes more.
      if (now === undefined) return inCondition ? [] : [`\`${path}/${name}\` is no longer read`];
      return narrowed(schema, now, `${path}/${name}`, inCondition);
    }),
  ];
}

/** Members that a sender may now send. */
function added(before: Schema, after: Schema, path: string): string[] {
  const rest = Object.entries(members(after)).flatMap(([name, schema]) => {
    const old = members(before)[name];
    return old === undefined ? [`it may have \`${path}/${name}\``] : added(old, schema, `${path}/${name}`);
  });
  const [items, old] = [after.items, before.items] as [Schema | undefined, Schema | undefined];
  return items && old ? [...rest, ...added(old, items, `${path}/*`)] : rest;
}

function members({ properties = {} }: Schema): EventSchemas {
  return properties as EventSchemas;
}

function schemas(value: unknown): readonly Schema[] {
  return (value ?? []) as readonly Schema[];
}

function set(value: unknown): readonly unknown[] {
  return value === undefined ? [] : [value].flat();
}

function lacking(of: unknown, among: unknown): readonly unknown[] {
  return set(of).filter((one) => !set(among).includes(one));
}
