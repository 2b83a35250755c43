import { getMetadataStorage } from 'class-validator';

/** Of class-validator's metadata what we read. */
interface Rule {
  readonly target: { readonly prototype: object };
  readonly propertyName: string;
  readonly name?: string;
  readonly constraints?: readonly unknown[];
  readonly each: boolean;
}

type Bounds = Readonly<Record<string, unknown>>;

/** Where Nest keeps what @ApiProperty says. */
const API_PROPERTY = 'swagger/apiModelProperties';

/** What a validator checks as the JSON Schema that says so. */
const BOUNDS: Readonly<Record<string, (constraints: readonly unknown[]) => Bounds>> = {
  isText: ([most]) => ({ minLength: 1, maxLength: most }),
  isNote: ([most]) => ({ minLength: 1, maxLength: most }),
  isAddressRange: () => ({ maxLength: 49 }), // an IPv6 address that ends in an IPv4 one, and the length of its prefix
  isSku: () => ({ minLength: 1, maxLength: 64 }),
  // JSON Schema has no flags: what ignores case is left to the description.
  matches: ([pattern]) => ((pattern as RegExp).flags.includes('i') ? {} : { pattern: (pattern as RegExp).source }),
  maxLength: ([most]) => ({ maxLength: most }),
  min: ([least]) => ({ minimum: least }),
  max: ([most]) => ({ maximum: most }),
  arrayMaxSize: ([most]) => ({ maxItems: most }),
  arrayMinSize: ([least]) => ({ minItems: least }),
  arrayUnique: () => ({ uniqueItems: true }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  isQuantity: ([bounds]) => {
    const { zero, negative } = bounds as { zero?: boolean; negative?: boolean };
    return { maximum: 1e11, ...(negative ? { minimum: -1e11 } : zero ? { minimum: 0 } : { exclusiveMinimum: 0 }) };
  },
};

/**
 * Gives the document the bounds that the validators check, so that each is written once. What @ApiProperty says
 * itself stands.
 */
export function documentBounds(): void {
  const rules = (getMetadataStorage() as unknown as { validationMetadatas: Map<unknown, Rule[]> }).validationMetadatas;
  for (const { target, propertyName, name, constraints = [], each } of [...rules.values()].flat()) {
    const said: Bounds | undefined = Reflect.getOwnMetadata(API_PROPERTY, target.prototype, propertyName);
    const bounds = BOUNDS[name ?? '']?.(constraints);
    if (!said || !bounds) continue;
    // Of a list, and all of ours with such bounds are of texts, the bounds of one are said where the entries are.
    const full = each
      ? { ...said, items: { type: 'string', ...bounds, ...(said.items as object) } }
      : { ...bounds, ...said };
    Reflect.defineMetadata(API_PROPERTY, full, target.prototype, propertyName);
  }
}
