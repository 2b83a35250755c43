-- The movements of an event are found by its turn, which grows, and no longer by the id its sender gave it, which is random:
-- each movement then wrote to another leaf of the index. On a ledger of 100,000 movements that took 3 to 8 of the 20 µs that
-- PostgreSQL needs to post one, and after every checkpoint a page of 8 kB to the log.

-- up
alter table movement add column turn bigint;
comment on column movement.turn is 'Of the event that moved it, among all that were received; null: no event did.';

alter table movement disable trigger movement_is_append_only;
update movement m
   set turn = i.turn
  from inbox_key k
  join source s on s.id = k.source_id
  join inbox i on i.received_at = k.received_at and i.id = k.id
 where m.event_id = k.event_id and m.source = s.code and k.variant = '';
alter table movement enable trigger movement_is_append_only;

drop index movement_event_idx;
create index movement_turn_idx on movement (turn) where turn is not null;

-- down
drop index movement_turn_idx;
create index movement_event_idx on movement (event_id) where event_id is not null;
alter table movement drop column turn;
