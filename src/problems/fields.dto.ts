import { applyDecorators, type Type as Class } from '@nestjs/common';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsISO8601,
  IsObject,
  IsOptional,
  Matches,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { CODE, isSku, isText } from './text.js';

export { CODE, isSku };

export function isCode(value: unknown): value is string {
  return typeof value === 'string' && CODE.test(value);
}

export function IsCode(): PropertyDecorator {
  return applyDecorators(
    Matches(CODE, {
      message: '$property takes 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or a digit',
    }),
  );
}

export function IsSku(): PropertyDecorator {
  return ValidateBy({
    name: 'isSku',
    validator: {
      validate: isSku,
      defaultMessage: () => '$property takes 1 to 64 printable characters, not starting or ending in a space',
    },
  });
}

/** As IsText, but with line breaks: a note. */
export function IsNote(most: number): PropertyDecorator {
  return ValidateBy({
    name: 'isNote',
    constraints: [most],
    validator: {
      validate: (value) => typeof value === 'string' && isText(value.replace(/[\r\n\t]/g, ' '), most),
      defaultMessage: () =>
        `$property takes 1 to ${most} characters of text; of control characters only line breaks and tabs`,
    },
  });
}

export function IsText(most: number): PropertyDecorator {
  return ValidateBy({
    name: 'isText',
    constraints: [most],
    validator: {
      validate: (value) => isText(value, most),
      defaultMessage: () => `$property takes 1 to ${most} characters of text, none of them a control character`,
    },
  });
}

/** RFC 3339, with the zone. ISO 8601 has also weeks, days of the year and fractions of a minute, which Date does not read. */
const INSTANT = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** A time that Date.parse reads, of a day that there is. */
export function IsInstant(): PropertyDecorator {
  return applyDecorators(
    IsISO8601({ strict: true, strictSeparator: true }),
    Matches(INSTANT, { message: '$property takes a time with its zone, such as 2026-12-31T22:00:00Z' }),
  );
}

/** A field that may be left out; null says the same, as clients write it that send back what they have read. */
export function Optional(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }) => value ?? undefined),
  );
}

/**
 * A list of at most `most` objects of a class. ValidateNested alone would let `[[]]` pass: it looks at the entries of
 * the inner list, and there are none.
 */
export function IsListOf(of: () => Class, most: number): PropertyDecorator {
  return applyDecorators(
    IsArray(),
    ArrayMaxSize(most),
    IsObject({ each: true, message: 'each of $property takes an object' }),
    ValidateNested({ each: true }),
    Type(of),
  );
}
