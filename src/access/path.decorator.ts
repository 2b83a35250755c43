import { Param, PipeTransform } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { CODE, isSku } from '../problems/fields.dto.js';
import { invalid } from '../problems/problem.js';

/** A SKU in the path, percent-encoded there: `/v1/items/CABLE%2F2M`. Throws `validation_failed` for what no SKU can be. */
export function PathSku(name = 'sku'): ParameterDecorator {
  const detail = 'takes 1 to 64 printable characters, percent-encoded, not starting or ending in a space';
  return pathPart(name, isSku, detail, {
    description: 'The SKU, percent-encoded: a slash is `%2F`.',
    schema: { type: 'string', minLength: 1, maxLength: 64, example: 'CABLE/2M' },
  });
}

/** The code of a location, channel, source or client in the path. Throws `validation_failed` for what no code can be. */
export function PathCode(name: string, example: string): ParameterDecorator {
  const detail = 'takes 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or a digit';
  return pathPart(name, (value) => CODE.test(value), detail, {
    schema: { type: 'string', pattern: CODE.source, example },
  });
}

/** An id such as `key_01…` in the path. Throws `validation_failed` for what this service cannot have given. */
export function PathId(name: string, example: string): ParameterDecorator {
  return pathPart(name, (value) => /^[\x21-\x7e]{1,64}$/.test(value), 'takes an id that this service has given', {
    schema: { type: 'string', maxLength: 64, example },
  });
}

/** Reads, checks and documents one part of the path, so that a route says all of it where it names the parameter. */
function pathPart(
  name: string,
  fits: (value: string) => boolean,
  detail: string,
  documentation: object,
): ParameterDecorator {
  const pipe: PipeTransform<string, string> = {
    transform(value) {
      if (!fits(value)) throw invalid([{ parameter: name, code: 'invalid_path', detail }]);
      return value;
    },
  };
  return (target, method, index) => {
    Param(name, pipe)(target, method, index);
    const descriptor = Object.getOwnPropertyDescriptor(target, method!)!;
    ApiParam({ name, required: true, ...documentation } as never)(target, method!, descriptor);
  };
}
