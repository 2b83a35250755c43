/** A receipt of one piece, as a warehouse reports it: of one length for ids and SKUs of one length. */
export function eventOf(id: string, sku: string): string {
  return (
    `{"specversion":"1.0","id":"${id}","source":"bench","type":"stock.received.v1","time":"2026-03-01T08:30:00Z",` +
    `"data":{"sku":"${sku}","location":"main","quantity":1}}`
  );
}
