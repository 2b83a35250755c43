\set id random(1, 9223372036854775807)
\set item random(1, :items)
with sent as (
  select :id::text as event_id,
         '{"specversion":"1.0","id":"' || :id || '","source":"bench","type":"stock.received.v1","time":"2026-03-01T08:30:00Z","data":{"sku":"SKU-' || lpad(:item::text, 6, '0') || '","location":"main","quantity":1}}' as payload
)
insert into inbox (source_id, event_id, hash, payload)
select 1, event_id, sha256(payload::bytea), payload from sent
on conflict (source_id, event_id) do nothing;
