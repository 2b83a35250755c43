-- Holds and commitments, what of them is still open and where, every step they took, and what was shipped.

-- up
create table reservation (
  id text collate "C" not null,
  channel_id integer not null,
  client_id text collate "C" not null,
  order_ref text collate "C",
  status text not null,
  expires_at timestamptz,
  version integer not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint reservation_pkey primary key (id),
  constraint reservation_channel_fkey foreign key (channel_id) references channel (id),
  constraint reservation_status_check check (
    status in ('held', 'committed', 'partially_shipped', 'shipped', 'released', 'expired', 'cancelled')
  ),
  constraint reservation_expiry_check check (status <> 'held' or expires_at is not null)
) with (fillfactor = 80);
create index reservation_order_ref_idx on reservation (order_ref, id) where order_ref is not null;
create index reservation_open_idx on reservation (id) where status in ('held', 'committed', 'partially_shipped');
create index reservation_expiry_idx on reservation (expires_at) where status = 'held';

create table reservation_line (
  reservation_id text collate "C" not null,
  line smallint not null,
  line_ref text,
  item_id bigint not null,
  uom text not null,
  factor numeric(18, 4) not null,
  tracked boolean not null,
  location_id integer,
  requested numeric(18, 4) not null,
  committed numeric(18, 4) not null default 0,
  shipped numeric(18, 4) not null default 0,
  reserved numeric(18, 4) not null,
  constraint reservation_line_pkey primary key (reservation_id, line),
  constraint reservation_line_figures_check check (committed >= 0 and shipped >= 0 and reserved >= 0)
) with (fillfactor = 80);
create index reservation_line_item_idx on reservation_line (item_id, reservation_id);
comment on table reservation_line is 'Quantities in the base unit; factor is what one of the line''s unit held when it was made.';
comment on column reservation_line.tracked is 'false: reserved without effect on any figure, and so without allocations (semantics.md 8).';

-- Only what is still reserved has a row, so the table stays as small as the open business.
create table reservation_allocation (
  reservation_id text collate "C" not null,
  line smallint not null,
  item_id bigint not null,
  location_id integer not null,
  quantity numeric(18, 4) not null,
  backordered numeric(18, 4) not null default 0,
  expires_at timestamptz,
  constraint reservation_allocation_pkey primary key (reservation_id, line, location_id),
  constraint reservation_allocation_quantity_check check (quantity > 0 and backordered between 0 and quantity)
);
create index reservation_allocation_position_idx on reservation_allocation (item_id, location_id, expires_at);
comment on column reservation_allocation.backordered is 'How much of it was admitted beyond what was there: beyond it, what is uncovered is a shortfall.';
comment on column reservation_allocation.expires_at is 'The hold''s expiry, repeated here so that a position finds what of it has expired; null: committed.';

create table reservation_step (
  reservation_id text collate "C" not null,
  step integer not null,
  action text not null,
  at timestamptz not null,
  actor text not null,
  reference text,
  lines jsonb not null,
  constraint reservation_step_pkey primary key (reservation_id, step)
);

create table shipment (
  reservation_id text collate "C" not null,
  reference text collate "C" not null,
  lines jsonb not null,
  shipped_at timestamptz not null,
  unshipped_at timestamptz,
  constraint shipment_pkey primary key (reservation_id, reference)
);
comment on column shipment.lines is '[{ line, locationId (where it left from; null: untracked), quantity }], quantities in ten-thousandths of the base unit.';

grant select, insert, update on reservation, reservation_line, shipment to holdfast_app;
grant select, insert, update, delete on reservation_allocation to holdfast_app;
grant delete on reservation_line to holdfast_app;
grant select, insert on reservation_step to holdfast_app;

-- down
drop table shipment, reservation_step, reservation_allocation, reservation_line, reservation;
