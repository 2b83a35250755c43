import { isDeepStrictEqual } from 'node:util';
import { type ArgumentMetadata, Injectable, ValidationError, ValidationPipe } from '@nestjs/common';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';
import { type FieldError, invalid } from './problem.js';

/**
 * A DTO of a hot route. `isPlain` says of a body at a glance that the validators would take it as it is; of any other
 * it says nothing: the validators judge it, and explain. They take 20 µs for a reservation of one line, a ninth of
 * what it costs this process; the glance takes less than one.
 */
interface HotDto {
  new (): object;
  isPlain(body: unknown): boolean;
}

/** Faults that one answer names. */
const MOST_FAULTS = 100;

/** How much a DTO class takes of what is sent: the names of its fields, how long its lists may be, and of what they are. */
interface Bounds {
  readonly names: ReadonlySet<string>;
  readonly most: ReadonlyMap<string, number>;
  readonly classes: ReadonlyMap<string, Constructor>;
}
type Constructor = abstract new (...given: never[]) => unknown;

const boundsByClass = new Map<unknown, Bounds>();

function boundsOf(dto: Constructor): Bounds {
  const known = boundsByClass.get(dto);
  if (known) return known;
  const rules = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  const names = new Set(rules.map(({ propertyName }) => propertyName));
  const bounds = {
    names,
    most: new Map(
      rules
        .filter(({ name }) => name === 'arrayMaxSize')
        .map((rule) => [rule.propertyName, Number(rule.constraints[0])]),
    ),
    classes: new Map(
      [...names].flatMap((name) => {
        const type = defaultMetadataStorage.findTypeMetadata(dto, name)?.typeFunction?.();
        return type === undefined ? [] : [[name, type as Constructor] as const];
      }),
    ),
  };
  boundsByClass.set(dto, bounds);
  return bounds;
}

/**
 * Throws `validation_failed` for a list that is too long, or for fields that there are not, before the validators look at
 * each: a MiB of empty lines took them 2.3 s, in which nobody else was answered, and one of made-up fields 3.4 s and an
 * answer of 8 MB.
 */
function requireBounded(value: unknown, dto: Constructor, pointer: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { names, most, classes } = boundsOf(dto);
  if (names.size === 0) return; // no DTO
  const unknown: FieldError[] = [];
  for (const name in value) {
    if (names.has(name)) continue;
    unknown.push(unknownField(`${pointer}/${escaped(name)}`, name));
    if (unknown.length === MOST_FAULTS) throw invalid(unknown);
  }
  for (const [name, limit] of most) {
    const list = (value as Record<string, unknown>)[name];
    if (!Array.isArray(list) || list.length <= limit) continue;
    const detail = `${name} must contain no more than ${limit} elements`;
    throw invalid([{ pointer: `${pointer}/${name}`, code: 'array_max_size', detail }]);
  }
  for (const [name, type] of classes) {
    const part = (value as Record<string, unknown>)[name];
    if (!Array.isArray(part)) requireBounded(part, type, `${pointer}/${name}`);
    else for (const [i, each] of part.entries()) requireBounded(each, type, `${pointer}/${name}/${i}`);
  }
}

function unknownField(pointer: string, name: string): FieldError {
  return { pointer, code: 'unknown_field', detail: `${name} is not a field of this request` };
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

@Injectable()
class Validation extends ValidationPipe {
  /** Classes that make of an empty query, as most requests have it, what their constructor makes: that is all of it. */
  private readonly optional = new Set<unknown>();

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype, type } = metadata;
    if (type === 'custom') return value; // who calls, and with which key: ours, not the client's
    if (metatype === String && typeof value === 'string') return value;
    if (isHot(metatype) && metatype.isPlain(value)) return Object.assign(new metatype(), value);
    if (metatype !== undefined && type === 'body') requireBounded(value, metatype, '');
    if (metatype === undefined || type !== 'query' || !isEmpty(value)) return super.transform(value, metadata);
    if (this.optional.has(metatype)) return new metatype();
    const made = await super.transform(value, metadata);
    if (isDeepStrictEqual(made, new metatype())) this.optional.add(metatype);
    return made;
  }
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return false;
  return true;
}

function isHot(metatype: unknown): metatype is HotDto {
  return typeof metatype === 'function' && 'isPlain' in metatype;
}

/** Turns what was sent into an instance of its DTO class, or throws `validation_failed` with an entry a field. */
export function validationPipe(): ValidationPipe {
  return new Validation({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    stopAtFirstError: true,
    validationError: { target: true }, // tells a body from a query
    exceptionFactory: (errors) => invalid(errors.flatMap((error) => fieldErrors(error, '')).slice(0, MOST_FAULTS)),
  });
}

/** class-validator's tree as flat field errors with JSON pointers (RFC 6901). */
function fieldErrors(error: ValidationError, parent: string): FieldError[] {
  const pointer = `${parent}/${escaped(error.property)}`;
  const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) => ({
    ...(parent === '' && isParameter(error) ? { parameter: error.property } : { pointer }),
    code: constraint === 'whitelistValidation' ? 'unknown_field' : snakeCase(constraint),
    detail: constraint === 'whitelistValidation' ? `${error.property} is not a field of this request` : message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, pointer))];
}

/** Query DTOs are named …Query: their errors name a parameter, not a pointer into a body. */
function isParameter(error: ValidationError): boolean {
  return error.target?.constructor.name.endsWith('Query') ?? false;
}

function snakeCase(text: string): string {
  return text.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
}
