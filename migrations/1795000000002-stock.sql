-- Positions and the ledger they are a projection of.

-- up
create table position (
  item_id bigint not null,
  location_id integer not null,
  on_hand numeric(18, 4) not null default 0,
  damaged numeric(18, 4) not null default 0,
  quarantined numeric(18, 4) not null default 0,
  recalled numeric(18, 4) not null default 0,
  expired numeric(18, 4) not null default 0,
  inspection numeric(18, 4) not null default 0,
  reserved numeric(18, 4) not null default 0,
  incoming numeric(18, 4) not null default 0,
  safety_stock numeric(18, 4) not null default 0,
  version bigint not null default 0,
  next_expiry timestamptz,
  as_of timestamptz not null default now(),
  constraint position_pkey primary key (item_id, location_id),
  constraint position_item_fkey foreign key (item_id) references item (id),
  constraint position_location_fkey foreign key (location_id) references location (id),
  -- The engine decides; the database says no a second time. `reserved <= on_hand` is deliberately not here:
  -- a count or a backorder may leave more reserved than there is (semantics.md 7 and 20).
  constraint position_on_hand_check check (on_hand >= 0),
  constraint position_reserved_check check (reserved >= 0),
  constraint position_unsellable_check check (
    damaged >= 0 and quarantined >= 0 and recalled >= 0 and expired >= 0 and inspection >= 0
    and damaged + quarantined + recalled + expired + inspection <= on_hand
  ),
  constraint position_incoming_check check (incoming >= 0),
  constraint position_safety_stock_check check (safety_stock >= 0)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
comment on table position is 'The figures of one item at one location, in the base unit. Half-empty pages and no index on a figure keep every update HOT.';
comment on column position.version is 'Raised by one for every movement: count(movement) of the position.';
comment on column position.next_expiry is 'No later than the earliest expiry of a hold here; null: no hold. May be too early, never too late.';

create table movement (
  item_id bigint not null,
  location_id integer not null,
  version bigint not null,
  kind text not null,
  on_hand_delta numeric(18, 4) not null default 0,
  reserved_delta numeric(18, 4) not null default 0,
  unsellable_delta numeric(18, 4) not null default 0,
  condition text,
  reason text,
  note text,
  reference text,
  source text,
  event_id text,
  reservation_id text collate "C",
  actor text not null,
  at timestamptz not null,
  constraint movement_pkey primary key (item_id, location_id, version),
  constraint movement_condition_check check (
    (unsellable_delta = 0 or condition is not null)
    and (condition is null or condition in ('damaged', 'quarantined', 'recalled', 'expired', 'inspection'))
  )
);
comment on table movement is 'The ledger, append-only. No foreign keys: the engine holds the lock of the position it writes for, and each key would cost a look-up a row.';
create index movement_reservation_idx on movement (reservation_id) where reservation_id is not null;

create function refuse_to_rewrite_the_ledger() returns trigger language plpgsql as $$
begin
  raise exception 'movements are append-only: post a movement that corrects instead' using errcode = 'insufficient_privilege';
end
$$;
create trigger movement_is_append_only before update or delete on movement
  for each row execute function refuse_to_rewrite_the_ledger();
create trigger movement_is_never_truncated before truncate on movement
  for each statement execute function refuse_to_rewrite_the_ledger();

-- One row a touched position a batch: the cache is repaired from it, and what is delivered outside will be read from it.
create table outbox (
  id bigint generated always as identity,
  item_id bigint not null,
  location_id integer not null,
  version bigint not null,
  at timestamptz not null,
  constraint outbox_pkey primary key (id)
) with (autovacuum_vacuum_scale_factor = 0.01);

grant select, insert, update on position to holdfast_app;
grant select, insert on movement to holdfast_app;
grant select, insert, update, delete on outbox to holdfast_app;

-- down
drop table outbox, movement, position;
drop function refuse_to_rewrite_the_ledger();
