\set id random(1, :items)
\set key random(1, 9223372036854775807)
with taken as (
  update stock
     set reserved = reserved + 1, version = version + 1
   where id = :id and on_hand - reserved >= 1
  returning id, version
), made as (
  insert into reservation (channel_id, status, expires_at)
  select 1, 'held', now() + interval '15 minutes' from taken
  returning id
), lined as (
  insert into reservation_line (reservation_id, line, stock_id, quantity)
  select made.id, 1, taken.id, 1 from made, taken
), moved as (
  insert into movement (stock_id, version, reserved_delta, reservation_id)
  select taken.id, taken.version, 1, made.id from made, taken
), noticed as (
  insert into outbox (stock_id, version) select id, version from taken
)
insert into idempotency_key (key, reservation_id)
select :key::text, made.id from made
returning reservation_id;
