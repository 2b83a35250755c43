/** What is used of the package, which brings no types of its own. */
declare module 'edifact' {
  /** Code points; what is left out is as ISO 9735 has it without UNA. */
  interface Delimiters {
    readonly segmentTerminator?: number;
    readonly dataElementSeparator?: number;
    readonly componentDataSeparator?: number;
    readonly decimalMark?: number;
    readonly releaseCharacter?: number;
  }

  export class Parser {
    constructor(validator?: undefined, delimiters?: Delimiters);
    onopensegment: (tag: string) => void;
    onclosesegment: () => void;
    onelement: () => void;
    oncomponent: (value: string) => void;
    encoding(level: 'UNOY'): void;
    /** Throws for what the syntax does not allow. */
    write(text: string): void;
    /** Throws if a segment is not terminated. */
    end(): void;
  }

  const edifact: { readonly Parser: typeof Parser };
  export default edifact;
}
