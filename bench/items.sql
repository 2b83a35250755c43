-- Items of these numbers with more stock at the location than any run reserves, as a count of each would have posted it.
-- Through the API it would take longer than the measurement.
-- $3 movements each: the count, and receipts of one piece before it.
with made as (
  insert into item (sku, name, base_uom)
  select 'SKU-' || lpad(number::text, 6, '0'), 'Item ' || number, 'EA' from generate_series($1::int, $2::int) as number
  returning id
), stocked as (
  insert into position (item_id, location_id, on_hand, version)
  select made.id, location.id, 1000000000, $3::int from made, location
  returning item_id, location_id, on_hand, version
)
insert into movement (item_id, location_id, version, kind, on_hand_delta, reason, actor, at)
select item_id, location_id, number, case number when version then 'count' else 'receipt' end,
       case number when version then on_hand - (version - 1) else 1 end, case number when version then 'count' end, 'bench', now()
  from stocked, generate_series(1, $3::int) as number;
