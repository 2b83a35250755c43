/** A statement that is prepared under its name at the first use of a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/**
 * Several statements that each change a table of their own, as one: `with … as (…), … as (…) …`. Its parameters are
 * theirs, one after the other. Each statement of a batch costs some 60 µs of both processes whatever it does: messages,
 * executor, and a turn of the event loop for its answer.
 */
export function combined(name: string, ...statements: readonly Statement[]): Statement {
  let before = 0;
  const texts = statements.map(({ text }) => {
    const numbers = [...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number));
    const shifted = text.replace(/\$(\d+)/g, (_, number) => `$${Number(number) + before}`);
    before += Math.max(0, ...numbers);
    return shifted;
  });
  const last = texts.pop() ?? '';
  const parts = texts.map((text, index) => `part_${index + 1} as (${text})`);
  return { name, text: parts.length > 0 ? `with ${parts.join(', ')}${last}` : last };
}
