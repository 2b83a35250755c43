/**
 * `ItemsController.put` is `putItem`, its `list` is `listItems`, and a method of several words is its own name.
 * Generated clients call their functions by it, so a rename is a breaking change.
 */
export function operationId(controller: string, method: string): string {
  if (/[A-Z]/.test(method)) return method;
  const nouns = controller.replace(/Controller$/, '');
  return `${method}${method === 'list' ? nouns : nouns.replace(/ies$/, 'y').replace(/s$/, '')}`;
}
