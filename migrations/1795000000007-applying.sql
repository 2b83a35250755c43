-- What applying needs beside the inbox: which keys wait behind an event that is parked, what a late figure has to add
-- up, what left without a commitment of ours, and how new what a source says of the catalogue is.

-- up
alter table inbox add column progress integer not null default 0;
alter table inbox add column batch text collate "C";
comment on column inbox.progress is 'How many of its rows are done, of an event applied in pieces: a snapshot of many rows.';
comment on column inbox.batch is 'All events with the same, with all their rows, or none (semantics.md 26); null: each for itself. Ours: senders use a request_id again.';
grant update (progress) on inbox to holdfast_app;

alter table exception add column fact jsonb;
alter table exception add column retrying boolean not null default false;
create index exception_retrying_idx on exception (source_id, id) where retrying;
create index exception_missing_idx on exception (kind, id) where status = 'open' and kind in ('unknown_item', 'unknown_location');
comment on column exception.fact is 'The one row it is about as an event of its own, where the rest of the event was applied; null: the whole event.';
comment on column exception.retrying is 'The worker is to try the row again.';

alter table feed_position add column event text collate "C", add column turn bigint;
comment on column feed_position.turn is 'Its place in order of arrival, where as_of is only when it was received.';
comment on column feed_position.event is 'The inbox id of that figure: an event applied in pieces knows what of it is done.';

-- Changes that a source has reported of a position since its last absolute figure: an older figure that comes late has
-- them on top (semantics.md 23). A figure takes those before it away.
create table feed_delta (
  item_id bigint not null,
  location_id integer not null,
  source_id integer not null,
  occurred_at timestamptz not null,
  sequence numeric,
  turn bigint,
  quantity numeric(18, 4) not null,
  committed_at timestamptz,
  at timestamptz not null
);
create index feed_delta_position_idx on feed_delta (item_id, location_id, source_id);
create index feed_delta_at_idx on feed_delta using brin (at);
comment on column feed_delta.committed_at is 'A shipment of a commitment: when that was made. A figure that nets it knows of it.';

-- A parked event keeps its keys: what its source says later of the same waits until it is repaired or given up.
create table parked_key (
  source_id integer not null,
  sku text collate "C" not null,
  location text collate "C" not null,
  turn bigint not null,
  holder text collate "C" not null,
  blocked boolean not null,
  constraint parked_key_pkey primary key (source_id, sku, location, turn)
);
create index parked_key_holder_idx on parked_key (holder);
comment on column parked_key.holder is 'The inbox id, or where the rest of the event was applied the id of the row''s exception.';
comment on column parked_key.blocked is 'true: nothing is wrong with it, it waits behind another.';

create table loose_shipment (
  source_id integer not null,
  reference text collate "C" not null,
  item_id bigint not null,
  location_id integer not null,
  quantity numeric(18, 4) not null,
  inbox_id text collate "C" not null,
  cancelled boolean not null default false,
  at timestamptz not null,
  constraint loose_shipment_pkey primary key (source_id, reference, item_id, location_id)
);
comment on table loose_shipment is 'What left under a reference without a commitment of ours: counted once, and put back when it is cancelled.';

create table feed_catalog (
  source_id integer not null,
  kind text not null,
  code text collate "C" not null,
  as_of timestamptz not null,
  as_of_sequence numeric,
  constraint feed_catalog_pkey primary key (source_id, kind, code),
  constraint feed_catalog_kind_check check (kind in ('item', 'location'))
);
comment on table feed_catalog is 'How new what was last applied of an item or a location is: an older update that comes late is stale.';

-- A receipt may come before the announcement it belongs to, and a cancellation too.
alter table supply drop constraint supply_quantity_check;
alter table supply add constraint supply_quantity_check check (quantity >= 0 and received >= 0);
alter table supply add column as_of timestamptz;
alter table supply add column as_of_sequence numeric;
drop index supply_reference_idx;
create unique index supply_reference_key on supply (reference, item_id, location_id);
comment on column supply.as_of is 'Of the last announcement or cancellation; null: only receipts so far.';

grant select, insert, update, delete on feed_delta, parked_key to holdfast_app;
grant select, insert, update on loose_shipment, feed_catalog to holdfast_app;

-- down
drop table feed_catalog, loose_shipment, parked_key, feed_delta;
drop index supply_reference_key;
create index supply_reference_idx on supply (reference, item_id, location_id);
alter table supply drop column as_of, drop column as_of_sequence;
delete from supply where quantity = 0;
alter table supply drop constraint supply_quantity_check;
alter table supply add constraint supply_quantity_check check (quantity > 0 and received >= 0);
alter table feed_position drop column event, drop column turn;
drop index exception_retrying_idx, exception_missing_idx;
alter table exception drop column fact, drop column retrying;
alter table inbox drop column progress, drop column batch;
