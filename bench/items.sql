-- Items of these numbers with more stock at the location than any run reserves, as a count of each would have posted it.
-- Through the API it would take longer than the measurement.
with made as (
  insert into item (sku, name, base_uom)
  select 'SKU-' || lpad(number::text, 6, '0'), 'Item ' || number, 'EA' from generate_series($1::int, $2::int) as number
  returning id
), stocked as (
  insert into position (item_id, location_id, on_hand, version)
  select made.id, location.id, 1000000000, 1 from made, location
  returning item_id, location_id, on_hand, version
)
insert into movement (item_id, location_id, version, kind, on_hand_delta, reason, actor, at)
select item_id, location_id, version, 'count', on_hand, 'count', 'bench', now() from stocked;
