-- The schema after the last migration, for reading and for the diff of a review. Never run.
-- Written by "npm run schema:write" from the catalogue of a freshly migrated database.

create table api_key (
  id text collate "C" not null,
  client_id text collate "C" not null,
  name text not null,
  hash bytea not null,
  prefix text not null,
  last_four text not null,
  scopes text[] not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_hash_key UNIQUE (hash)
);

create table channel (
  id integer generated always as identity not null,
  code text collate "C" not null,
  name text not null,
  sourcing text not null,
  priority integer default 0 not null,
  buffer numeric(18,4) default 0 not null,
  backorder_limit numeric(18,4) default 0,
  hold_ttl_seconds integer default 900 not null,
  max_hold_ttl_seconds integer default 86400 not null,
  rate_limit jsonb,
  stale_policy text default 'serve'::text not null,
  stale_buffer numeric(18,4) default 0 not null,
  version integer default 1 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint channel_pkey PRIMARY KEY (id),
  constraint channel_code_key UNIQUE (code),
  constraint channel_buffer_check CHECK (buffer >= 0::numeric AND stale_buffer >= 0::numeric AND backorder_limit >= 0::numeric),
  constraint channel_sourcing_check CHECK (sourcing = ANY (ARRAY['listed_order'::text, 'fullest_first'::text, 'single_location'::text])),
  constraint channel_stale_policy_check CHECK (stale_policy = ANY (ARRAY['serve'::text, 'buffer'::text, 'refuse'::text]))
);

create table channel_item (
  channel_id integer not null,
  item_id bigint not null,
  buffer numeric(18,4),
  backorder_limit numeric(18,4),
  limits_backorder boolean default false not null,
  version integer default 1 not null,
  constraint channel_item_pkey PRIMARY KEY (channel_id, item_id),
  constraint channel_item_figures_check CHECK (buffer >= 0::numeric AND backorder_limit >= 0::numeric)
);

create table channel_location (
  channel_id integer not null,
  location_id integer not null,
  rank smallint not null,
  constraint channel_location_pkey PRIMARY KEY (channel_id, location_id)
);

create table client (
  id text collate "C" not null,
  code text collate "C" not null,
  name text not null,
  channel_id integer,
  rate_limit jsonb,
  version integer default 1 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint client_pkey PRIMARY KEY (id),
  constraint client_code_key UNIQUE (code)
);

create table configuration (
  singleton boolean default true not null,
  revision bigint default 1 not null,
  installation uuid default gen_random_uuid() not null,
  constraint configuration_pkey PRIMARY KEY (singleton),
  constraint configuration_is_one_row CHECK (singleton)
);

create table idempotency_key (
  client_id text collate "C" not null,
  key text collate "C" not null,
  fingerprint bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamp with time zone not null,
  constraint idempotency_key_pkey PRIMARY KEY (client_id, key)
);

create table import (
  id text collate "C" not null,
  turn bigint generated always as identity not null,
  client_id text collate "C" not null,
  key_id text not null,
  kind text not null,
  format text not null,
  atomic boolean not null,
  columns text[],
  status text default 'queued'::text not null,
  reached_byte bigint not null,
  reached_line bigint not null,
  rows bigint default 0 not null,
  applied bigint default 0 not null,
  unchanged bigint default 0 not null,
  failed bigint default 0 not null,
  problem jsonb,
  lease text,
  leased_until timestamp with time zone,
  attempts smallint default 0 not null,
  created_at timestamp with time zone not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  constraint import_pkey PRIMARY KEY (id),
  constraint import_turn_key UNIQUE (turn),
  constraint import_counts_check CHECK ((applied + failed) <= rows AND unchanged >= 0 AND unchanged <= applied),
  constraint import_format_check CHECK (format = ANY (ARRAY['csv'::text, 'ndjson'::text])),
  constraint import_kind_check CHECK (kind = ANY (ARRAY['items'::text, 'locations'::text, 'levels'::text])),
  constraint import_status_check CHECK (status = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text]))
);

create table import_chunk (
  import_id text collate "C" not null,
  seq integer not null,
  bytes bytea not null,
  created_at timestamp with time zone not null,
  constraint import_chunk_pkey PRIMARY KEY (import_id, seq)
);

create table import_failure (
  import_id text collate "C" not null,
  line bigint not null,
  code text not null,
  detail text not null,
  pointer text,
  constraint import_failure_pkey PRIMARY KEY (import_id, line)
);

create table item (
  id bigint generated always as identity not null,
  sku text collate "C" not null,
  name text not null,
  base_uom text not null,
  fraction_digits smallint default 0 not null,
  tracked boolean default true not null,
  active boolean default true not null,
  attributes jsonb default '{}'::jsonb not null,
  version integer default 1 not null,
  revision bigint default 1 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  deleted_at timestamp with time zone,
  constraint item_pkey PRIMARY KEY (id),
  constraint item_sku_key UNIQUE (sku),
  constraint item_fraction_digits_check CHECK (fraction_digits >= 0 AND fraction_digits <= 4)
);

create table item_identifier (
  item_id bigint not null,
  type text not null,
  value text collate "C" not null,
  party text collate "C" default ''::text not null,
  constraint item_identifier_pkey PRIMARY KEY (type, value, party)
);

create table item_uom (
  item_id bigint not null,
  code text collate "C" not null,
  factor numeric(18,4) not null,
  constraint item_uom_pkey PRIMARY KEY (item_id, code),
  constraint item_uom_factor_check CHECK (factor > 0::numeric)
);

create table location (
  id integer generated always as identity not null,
  code text collate "C" not null,
  name text not null,
  type text not null,
  enabled boolean default true not null,
  gln text,
  timezone text,
  version integer default 1 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint location_pkey PRIMARY KEY (id),
  constraint location_code_key UNIQUE (code)
);

create table movement (
  item_id bigint not null,
  location_id integer not null,
  version bigint not null,
  kind text not null,
  on_hand_delta numeric(18,4) default 0 not null,
  reserved_delta numeric(18,4) default 0 not null,
  unsellable_delta numeric(18,4) default 0 not null,
  condition text,
  reason text,
  note text,
  reference text,
  source text,
  event_id text,
  reservation_id text collate "C",
  actor text not null,
  at timestamp with time zone not null,
  constraint movement_pkey PRIMARY KEY (item_id, location_id, version),
  constraint movement_condition_check CHECK ((unsellable_delta = 0::numeric OR condition IS NOT NULL) AND (condition IS NULL OR (condition = ANY (ARRAY['damaged'::text, 'quarantined'::text, 'recalled'::text, 'expired'::text, 'inspection'::text]))))
);

create table outbox (
  id bigint generated always as identity not null,
  item_id bigint not null,
  location_id integer not null,
  version bigint not null,
  at timestamp with time zone not null,
  constraint outbox_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0.01);

create table "position" (
  item_id bigint not null,
  location_id integer not null,
  on_hand numeric(18,4) default 0 not null,
  damaged numeric(18,4) default 0 not null,
  quarantined numeric(18,4) default 0 not null,
  recalled numeric(18,4) default 0 not null,
  expired numeric(18,4) default 0 not null,
  inspection numeric(18,4) default 0 not null,
  reserved numeric(18,4) default 0 not null,
  incoming numeric(18,4) default 0 not null,
  safety_stock numeric(18,4) default 0 not null,
  version bigint default 0 not null,
  next_expiry timestamp with time zone,
  as_of timestamp with time zone default now() not null,
  constraint position_pkey PRIMARY KEY (item_id, location_id),
  constraint position_incoming_check CHECK (incoming >= 0::numeric),
  constraint position_on_hand_check CHECK (on_hand >= 0::numeric),
  constraint position_reserved_check CHECK (reserved >= 0::numeric),
  constraint position_safety_stock_check CHECK (safety_stock >= 0::numeric),
  constraint position_unsellable_check CHECK (damaged >= 0::numeric AND quarantined >= 0::numeric AND recalled >= 0::numeric AND expired >= 0::numeric AND inspection >= 0::numeric AND (damaged + quarantined + recalled + expired + inspection) <= on_hand)
) with (autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_scale_factor=0.02, fillfactor=50);

create table reservation (
  id text collate "C" not null,
  channel_id integer not null,
  client_id text collate "C" not null,
  order_ref text collate "C",
  status text not null,
  expires_at timestamp with time zone,
  version integer not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint reservation_pkey PRIMARY KEY (id),
  constraint reservation_expiry_check CHECK (status <> 'held'::text OR expires_at IS NOT NULL),
  constraint reservation_status_check CHECK (status = ANY (ARRAY['held'::text, 'committed'::text, 'partially_shipped'::text, 'shipped'::text, 'released'::text, 'expired'::text, 'cancelled'::text]))
) with (fillfactor=80);

create table reservation_allocation (
  reservation_id text collate "C" not null,
  line smallint not null,
  item_id bigint not null,
  location_id integer not null,
  quantity numeric(18,4) not null,
  backordered numeric(18,4) default 0 not null,
  expires_at timestamp with time zone,
  constraint reservation_allocation_pkey PRIMARY KEY (reservation_id, line, location_id),
  constraint reservation_allocation_quantity_check CHECK (quantity > 0::numeric AND backordered >= 0::numeric AND backordered <= quantity)
);

create table reservation_line (
  reservation_id text collate "C" not null,
  line smallint not null,
  line_ref text,
  item_id bigint not null,
  uom text not null,
  factor numeric(18,4) not null,
  tracked boolean not null,
  location_id integer,
  requested numeric(18,4) not null,
  committed numeric(18,4) default 0 not null,
  shipped numeric(18,4) default 0 not null,
  reserved numeric(18,4) not null,
  constraint reservation_line_pkey PRIMARY KEY (reservation_id, line),
  constraint reservation_line_figures_check CHECK (committed >= 0::numeric AND shipped >= 0::numeric AND reserved >= 0::numeric)
) with (fillfactor=80);

create table reservation_step (
  reservation_id text collate "C" not null,
  step integer not null,
  action text not null,
  at timestamp with time zone not null,
  actor text not null,
  reference text,
  lines jsonb not null,
  constraint reservation_step_pkey PRIMARY KEY (reservation_id, step)
);

create table shipment (
  reservation_id text collate "C" not null,
  reference text collate "C" not null,
  lines jsonb not null,
  shipped_at timestamp with time zone not null,
  unshipped_at timestamp with time zone,
  constraint shipment_pkey PRIMARY KEY (reservation_id, reference)
);

alter table api_key add constraint api_key_client_fkey FOREIGN KEY (client_id) REFERENCES client(id);
alter table channel_item add constraint channel_item_channel_fkey FOREIGN KEY (channel_id) REFERENCES channel(id);
alter table channel_item add constraint channel_item_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table channel_location add constraint channel_location_channel_fkey FOREIGN KEY (channel_id) REFERENCES channel(id);
alter table channel_location add constraint channel_location_location_fkey FOREIGN KEY (location_id) REFERENCES location(id);
alter table client add constraint client_channel_fkey FOREIGN KEY (channel_id) REFERENCES channel(id);
alter table import add constraint import_client_fkey FOREIGN KEY (client_id) REFERENCES client(id);
alter table import_failure add constraint import_failure_import_fkey FOREIGN KEY (import_id) REFERENCES import(id) ON DELETE CASCADE;
alter table item_identifier add constraint item_identifier_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table item_uom add constraint item_uom_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table "position" add constraint position_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table "position" add constraint position_location_fkey FOREIGN KEY (location_id) REFERENCES location(id);

CREATE INDEX api_key_client_idx ON api_key USING btree (client_id);
CREATE INDEX channel_item_item_idx ON channel_item USING btree (item_id);
CREATE INDEX idempotency_key_created_idx ON idempotency_key USING brin (created_at);
CREATE INDEX import_open_idx ON import USING btree (client_id, turn) WHERE status = ANY (ARRAY['queued'::text, 'running'::text]);
CREATE INDEX item_identifier_item_idx ON item_identifier USING btree (item_id);
CREATE INDEX reservation_allocation_position_idx ON reservation_allocation USING btree (item_id, location_id, expires_at);
CREATE INDEX reservation_expiry_idx ON reservation USING btree (expires_at) WHERE status = 'held'::text;
CREATE INDEX reservation_line_item_idx ON reservation_line USING btree (item_id, reservation_id);
CREATE INDEX reservation_order_ref_idx ON reservation USING btree (order_ref, id) WHERE order_ref IS NOT NULL;

CREATE OR REPLACE FUNCTION public.refuse_to_rewrite_the_ledger()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'movements are append-only: post a movement that corrects instead' using errcode = 'insufficient_privilege';
end
$function$;

CREATE TRIGGER movement_is_append_only BEFORE DELETE OR UPDATE ON movement FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_the_ledger();
CREATE TRIGGER movement_is_never_truncated BEFORE TRUNCATE ON movement FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_the_ledger();

comment on column api_key.hash is 'SHA-256 of the key. The key itself has 192 random bits and is shown once.';
comment on column channel.backorder_limit is 'null: unlimited; 0: none.';
comment on column channel_item.buffer is 'null: the channel''s own buffer.';
comment on column channel_item.limits_backorder is 'false: the channel''s own limit; true: backorder_limit counts, null being unlimited.';
comment on table configuration is 'One row: raised by every change of a location, a channel or its locations.';
comment on column configuration.installation is 'Names this database in a Redis that others may share.';
comment on column import.applied is 'Rows that hold now, unchanged ones included.';
comment on column import.attempts is 'How often it was taken up since it last moved on.';
comment on column import.columns is 'The header of a CSV; null: each row names its fields.';
comment on column import.lease is 'Names the worker at work. Whoever writes progress must still have it.';
comment on column import.reached_byte is 'Where the first row that is not yet accounted for begins, in bytes from the start; reached_line: the line before it.';
comment on column import.turn is 'The imports of one client are applied in the order in which they were accepted.';
comment on column import_failure.line is 'As an editor counts the lines of the file, from 1; of a row of several lines the first.';
comment on column item.deleted_at is 'Its ledger stays; creating the SKU again revives the row and its position versions.';
comment on column item.revision is 'Raised by every change of the item, its units or a channel''s rules for it.';
comment on column item.version is 'What clients see and send in If-Match.';
comment on column item_uom.factor is 'How many of the base unit one of this unit holds.';
comment on table movement is 'The ledger, append-only. No foreign keys: the engine holds the lock of the position it writes for, and each key would cost a look-up a row.';
comment on table "position" is 'The figures of one item at one location, in the base unit. Half-empty pages and no index on a figure keep every update HOT.';
comment on column "position".next_expiry is 'No later than the earliest expiry of a hold here; null: no hold. May be too early, never too late.';
comment on column "position".version is 'Raised by one for every movement: count(movement) of the position.';
comment on column reservation_allocation.backordered is 'How much of it was admitted beyond what was there: beyond it, what is uncovered is a shortfall.';
comment on column reservation_allocation.expires_at is 'The hold''s expiry, repeated here so that a position finds what of it has expired; null: committed.';
comment on table reservation_line is 'Quantities in the base unit; factor is what one of the line''s unit held when it was made.';
comment on column reservation_line.tracked is 'false: reserved without effect on any figure, and so without allocations (semantics.md 8).';
comment on column shipment.lines is '[{ line, locationId (where it left from; null: untracked), quantity }], quantities in ten-thousandths of the base unit.';

grant usage on schema public to holdfast_app;
grant delete, insert, select, update on api_key to holdfast_app;
grant delete, insert, select, update on channel to holdfast_app;
grant delete, insert, select, update on channel_item to holdfast_app;
grant delete, insert, select, update on channel_location to holdfast_app;
grant delete, insert, select, update on client to holdfast_app;
grant delete, insert, select, update on configuration to holdfast_app;
grant delete, insert, select, update on idempotency_key to holdfast_app;
grant delete, insert, select, update on import to holdfast_app;
grant delete, insert, select, update on import_chunk to holdfast_app;
grant delete, insert, select, update on import_failure to holdfast_app;
grant delete, insert, select, update on item to holdfast_app;
grant delete, insert, select, update on item_identifier to holdfast_app;
grant delete, insert, select, update on item_uom to holdfast_app;
grant delete, insert, select, update on location to holdfast_app;
grant insert, select on movement to holdfast_app;
grant delete, insert, select, update on outbox to holdfast_app;
grant delete, insert, select, update on "position" to holdfast_app;
grant insert, select, update on reservation to holdfast_app;
grant delete, insert, select, update on reservation_allocation to holdfast_app;
grant delete, insert, select, update on reservation_line to holdfast_app;
grant insert, select on reservation_step to holdfast_app;
grant insert, select, update on shipment to holdfast_app;
