/** What `@Type` has noted: of which class a member is. Their package has it, and no types at this path. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, property: string): { typeFunction?: () => unknown } | undefined;
  };
}
