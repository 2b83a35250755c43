-- The schema after the last migration, for reading and for the diff of a review. Never run.
-- Written by "npm run schema:write" from the catalogue of a freshly migrated database.

create sequence inbox_turn;

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
  pepper text,
  successor_id text collate "C",
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_hash_key UNIQUE (hash)
);

create table audit_entry (
  id text collate "C" not null,
  at timestamp with time zone not null,
  client_id text collate "C" not null,
  client_code text collate "C" not null,
  channel_id integer,
  key_id text collate "C" not null,
  action text collate "C" not null,
  resource text collate "C" not null,
  outcome text not null,
  reason text,
  times integer default 1 not null,
  before jsonb,
  after jsonb,
  request_id text,
  address text,
  constraint audit_entry_pkey PRIMARY KEY (id),
  constraint audit_entry_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'refused'::text])) AND (outcome = 'refused'::text) = (reason IS NOT NULL)),
  constraint audit_entry_times_check CHECK (times > 0)
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
  max_open_holds integer,
  max_held_quantity numeric(18,4),
  constraint channel_pkey PRIMARY KEY (id),
  constraint channel_code_key UNIQUE (code),
  constraint channel_buffer_check CHECK (buffer >= 0::numeric AND stale_buffer >= 0::numeric AND backorder_limit >= 0::numeric),
  constraint channel_caps_check CHECK (max_open_holds > 0 AND max_held_quantity > 0::numeric),
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
  tier text default 'unlimited'::text not null,
  allowed_addresses text[] default '{}'::text[] not null,
  constraint client_pkey PRIMARY KEY (id),
  constraint client_code_key UNIQUE (code),
  constraint client_tier_check CHECK (tier = ANY (ARRAY['trial'::text, 'standard'::text, 'high'::text, 'unlimited'::text]))
);

create table configuration (
  singleton boolean default true not null,
  revision bigint default 1 not null,
  installation uuid default gen_random_uuid() not null,
  constraint configuration_pkey PRIMARY KEY (singleton),
  constraint configuration_is_one_row CHECK (singleton)
);

create table deprecated_use (
  operation text collate "C" not null,
  day date not null,
  client text collate "C" not null,
  calls bigint not null,
  last_at timestamp with time zone not null,
  constraint deprecated_use_pkey PRIMARY KEY (operation, day, client),
  constraint deprecated_use_calls_check CHECK (calls > 0)
);

create table event_attempt (
  received_at timestamp with time zone not null,
  inbox_id text collate "C" not null,
  attempt smallint not null,
  at timestamp with time zone not null,
  outcome text not null,
  detail text,
  constraint event_attempt_pkey PRIMARY KEY (received_at, inbox_id, attempt)
);

create table event_outcome (
  received_at timestamp with time zone not null,
  id text collate "C" not null,
  status text not null,
  attempts smallint not null,
  finished_at timestamp with time zone not null,
  skus text[],
  canonical jsonb,
  problem jsonb,
  profile text collate "C",
  constraint event_outcome_pkey PRIMARY KEY (received_at, id),
  constraint event_outcome_status_check CHECK (status = ANY (ARRAY['received'::text, 'applied'::text, 'duplicate'::text, 'stale'::text, 'parked'::text, 'exception'::text]))
);

create table exception (
  id text collate "C" not null,
  kind text not null,
  status text default 'open'::text not null,
  source_id integer not null,
  inbox_id text collate "C",
  inbox_received_at timestamp with time zone,
  event_id text collate "C",
  sku text collate "C",
  location text collate "C",
  detail text not null,
  affected jsonb,
  notes jsonb default '[]'::jsonb not null,
  payload text,
  created_at timestamp with time zone not null,
  resolved_at timestamp with time zone,
  fact jsonb,
  retrying boolean default false not null,
  note text,
  constraint exception_pkey PRIMARY KEY (id),
  constraint exception_resolved_check CHECK ((status = 'open'::text) = (resolved_at IS NULL)),
  constraint exception_status_check CHECK (status = ANY (ARRAY['open'::text, 'resolved'::text, 'discarded'::text]))
);

create table feed_catalog (
  source_id integer not null,
  kind text not null,
  code text collate "C" not null,
  as_of timestamp with time zone not null,
  as_of_sequence numeric,
  constraint feed_catalog_pkey PRIMARY KEY (source_id, kind, code),
  constraint feed_catalog_kind_check CHECK (kind = ANY (ARRAY['item'::text, 'location'::text]))
);

create table feed_delta (
  item_id bigint not null,
  location_id integer not null,
  source_id integer not null,
  occurred_at timestamp with time zone not null,
  sequence numeric,
  turn bigint,
  quantity numeric(18,4) not null,
  committed_at timestamp with time zone,
  at timestamp with time zone not null
);

create table feed_position (
  source_id integer not null,
  item_id bigint not null,
  location_id integer not null,
  as_of timestamp with time zone,
  as_of_sequence numeric,
  last_sequence numeric,
  event text collate "C",
  turn bigint,
  constraint feed_position_pkey PRIMARY KEY (source_id, item_id, location_id)
) with (fillfactor=50);

create table idempotency_key (
  client_id text collate "C" not null,
  key text collate "C" not null,
  fingerprint bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamp with time zone not null,
  constraint idempotency_key_pkey PRIMARY KEY (client_id, key)
) with (autovacuum_vacuum_scale_factor=0.02);

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
  source_id integer,
  as_of timestamp with time zone,
  complete_at text collate "C",
  traceparent text,
  constraint import_pkey PRIMARY KEY (id),
  constraint import_turn_key UNIQUE (turn),
  constraint import_complete_check CHECK (complete_at IS NULL OR kind = 'events'::text AND format = 'csv'::text AND atomic),
  constraint import_counts_check CHECK ((applied + failed) <= rows AND unchanged >= 0 AND unchanged <= applied),
  constraint import_events_check CHECK ((kind = 'events'::text) = (source_id IS NOT NULL AND as_of IS NOT NULL)),
  constraint import_format_check CHECK (format = ANY (ARRAY['csv'::text, 'ndjson'::text, 'x12'::text, 'edifact'::text])),
  constraint import_kind_check CHECK (kind = ANY (ARRAY['items'::text, 'locations'::text, 'levels'::text, 'events'::text])),
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

create table inbox (
  received_at timestamp with time zone not null,
  id text collate "C" not null,
  turn bigint default nextval('inbox_turn'::regclass) not null,
  source_id integer not null,
  event_id text collate "C" not null,
  payload text not null,
  payload_base64 boolean default false not null,
  content_type text not null,
  hash bytea not null,
  headers jsonb,
  signature jsonb not null,
  traceparent text,
  request_id text not null,
  import_id text collate "C",
  batch text collate "C",
  constraint inbox_pkey PRIMARY KEY (received_at, id)
) partition by range (received_at);

create table inbox_key (
  source_id integer not null,
  event_id text collate "C" not null,
  variant text collate "C" default ''::text not null,
  hash bytea not null,
  id text collate "C" not null,
  received_at timestamp with time zone not null,
  deliveries integer default 1 not null,
  constraint inbox_key_pkey PRIMARY KEY (source_id, event_id, variant)
) with (fillfactor=90);

create table inbox_waiting (
  source_id integer not null,
  turn bigint not null,
  received_at timestamp with time zone not null,
  id text collate "C" not null,
  attempts smallint default 0 not null,
  progress integer default 0 not null,
  constraint inbox_waiting_pkey PRIMARY KEY (source_id, turn)
) with (autovacuum_vacuum_scale_factor=0.01);

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

create table loose_shipment (
  source_id integer not null,
  reference text collate "C" not null,
  item_id bigint not null,
  location_id integer not null,
  quantity numeric(18,4) not null,
  inbox_id text collate "C" not null,
  cancelled boolean default false not null,
  at timestamp with time zone not null,
  constraint loose_shipment_pkey PRIMARY KEY (source_id, reference, item_id, location_id)
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
  turn bigint,
  constraint movement_pkey PRIMARY KEY (item_id, location_id, version),
  constraint movement_condition_check CHECK ((unsellable_delta = '0'::numeric OR condition IS NOT NULL) AND (condition = ANY ('{damaged,quarantined,recalled,expired,inspection}'::text[])))
);

create table outbox (
  id bigint generated always as identity not null,
  item_id bigint not null,
  location_id integer,
  version bigint not null,
  at timestamp with time zone not null,
  constraint outbox_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0.01);

create table parked_key (
  source_id integer not null,
  sku text collate "C" not null,
  location text collate "C" not null,
  turn bigint not null,
  holder text collate "C" not null,
  blocked boolean not null,
  constraint parked_key_pkey PRIMARY KEY (source_id, sku, location, turn)
);

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
  constraint position_figures_check CHECK (LEAST(on_hand - damaged - quarantined - recalled - expired - inspection, damaged, quarantined, recalled, expired, inspection, reserved, incoming, safety_stock) >= '0'::numeric)
) with (autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_scale_factor=0.02, fillfactor=50);

create table profile (
  name text collate "C" not null,
  version integer not null,
  title text not null,
  vendor text not null,
  base text collate "C",
  format text,
  identify jsonb,
  expression text,
  constants jsonb not null,
  quantity_basis text,
  created_at timestamp with time zone default now() not null,
  created_by text not null,
  constraint profile_pkey PRIMARY KEY (name, version),
  constraint profile_format_check CHECK (format = ANY (ARRAY['json'::text, 'x12'::text, 'edifact'::text])),
  constraint profile_quantity_basis_check CHECK (quantity_basis = ANY (ARRAY['on_hand'::text, 'available'::text])),
  constraint profile_version_check CHECK (version > 0),
  constraint profile_whole_check CHECK (base IS NOT NULL OR format IS NOT NULL AND expression IS NOT NULL)
);

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
  constraint reservation_status_check CHECK ((status = ANY ('{held,committed,partially_shipped,shipped,released,expired,cancelled}'::text[])) AND (status <> 'held'::text OR expires_at IS NOT NULL))
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
  constraint reservation_allocation_quantity_check CHECK (quantity > '0'::numeric AND LEAST(backordered, quantity - backordered) >= '0'::numeric)
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
  constraint reservation_line_figures_check CHECK (LEAST(committed, shipped, reserved) >= '0'::numeric)
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

create table running_process (
  id uuid not null,
  seen_at timestamp with time zone not null,
  constraint running_process_pkey PRIMARY KEY (id)
);

create table shipment (
  reservation_id text collate "C" not null,
  reference text collate "C" not null,
  lines jsonb not null,
  shipped_at timestamp with time zone not null,
  unshipped_at timestamp with time zone,
  constraint shipment_pkey PRIMARY KEY (reservation_id, reference)
);

create table source (
  id integer generated always as identity not null,
  code text collate "C" not null,
  name text not null,
  kind text not null,
  profile text collate "C" not null,
  signature jsonb not null,
  quantity_basis text default 'on_hand'::text not null,
  freshness_seconds integer,
  rate_limit jsonb,
  version integer default 1 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  last_heard_at timestamp with time zone,
  constraint source_pkey PRIMARY KEY (id),
  constraint source_code_key UNIQUE (code),
  constraint source_freshness_check CHECK (freshness_seconds > 0),
  constraint source_kind_check CHECK (kind = ANY (ARRAY['wms'::text, 'erp'::text, 'threepl'::text, 'edi'::text, 'other'::text])),
  constraint source_quantity_basis_check CHECK (quantity_basis = ANY (ARRAY['on_hand'::text, 'available'::text]))
) with (fillfactor=50);

create table source_ownership (
  source_id integer not null,
  location_id integer,
  fact text not null,
  valid_from timestamp with time zone not null,
  valid_until timestamp with time zone,
  constraint source_ownership_fact_check CHECK (fact = ANY (ARRAY['on_hand'::text, 'supply'::text, 'catalog'::text, 'orders'::text])),
  constraint source_ownership_period_check CHECK (valid_from < valid_until)
);

create table source_secret (
  id text collate "C" not null,
  source_id integer not null,
  ciphertext bytea not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  constraint source_secret_pkey PRIMARY KEY (id)
);

create table supply (
  id bigint generated always as identity not null,
  source_id integer not null,
  kind text not null,
  reference text collate "C" not null,
  item_id bigint not null,
  location_id integer not null,
  quantity numeric(18,4) not null,
  received numeric(18,4) default 0 not null,
  expected_at timestamp with time zone,
  status text default 'open'::text not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  as_of timestamp with time zone,
  as_of_sequence numeric,
  constraint supply_pkey PRIMARY KEY (id),
  constraint supply_kind_check CHECK (kind = ANY (ARRAY['purchase'::text, 'asn'::text, 'transfer'::text])),
  constraint supply_quantity_check CHECK (quantity >= 0::numeric AND received >= 0::numeric),
  constraint supply_status_check CHECK (status = ANY (ARRAY['open'::text, 'received'::text, 'cancelled'::text]))
) with (fillfactor=80);

create view event as
 SELECT i.received_at,
    i.id,
    i.turn,
    i.source_id,
    i.event_id,
    i.payload,
    i.payload_base64,
    i.content_type,
    i.hash,
    i.headers,
    i.signature,
    i.traceparent,
    i.request_id,
    i.import_id,
    i.batch,
    COALESCE(o.status, 'received'::text) AS status,
    COALESCE(o.attempts, 0::smallint) AS attempts,
    o.finished_at,
    o.skus,
    o.canonical,
    o.problem
   FROM inbox i
     LEFT JOIN event_outcome o ON o.received_at = i.received_at AND o.id = i.id;

alter table api_key add constraint api_key_client_fkey FOREIGN KEY (client_id) REFERENCES client(id);
alter table channel_item add constraint channel_item_channel_fkey FOREIGN KEY (channel_id) REFERENCES channel(id);
alter table channel_item add constraint channel_item_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table channel_location add constraint channel_location_channel_fkey FOREIGN KEY (channel_id) REFERENCES channel(id);
alter table channel_location add constraint channel_location_location_fkey FOREIGN KEY (location_id) REFERENCES location(id);
alter table client add constraint client_channel_fkey FOREIGN KEY (channel_id) REFERENCES channel(id);
alter table exception add constraint exception_source_fkey FOREIGN KEY (source_id) REFERENCES source(id);
alter table import add constraint import_client_fkey FOREIGN KEY (client_id) REFERENCES client(id);
alter table import add constraint import_source_fkey FOREIGN KEY (source_id) REFERENCES source(id);
alter table import_failure add constraint import_failure_import_fkey FOREIGN KEY (import_id) REFERENCES import(id) ON DELETE CASCADE;
alter table item_identifier add constraint item_identifier_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table item_uom add constraint item_uom_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table "position" add constraint position_item_fkey FOREIGN KEY (item_id) REFERENCES item(id);
alter table "position" add constraint position_location_fkey FOREIGN KEY (location_id) REFERENCES location(id);
alter table source_ownership add constraint source_ownership_location_fkey FOREIGN KEY (location_id) REFERENCES location(id);
alter table source_ownership add constraint source_ownership_source_fkey FOREIGN KEY (source_id) REFERENCES source(id);
alter table source_secret add constraint source_secret_source_fkey FOREIGN KEY (source_id) REFERENCES source(id);
alter table supply add constraint supply_source_fkey FOREIGN KEY (source_id) REFERENCES source(id);

CREATE INDEX api_key_client_idx ON api_key USING btree (client_id);
CREATE INDEX audit_entry_at_idx ON audit_entry USING btree (at, id);
CREATE INDEX audit_entry_client_idx ON audit_entry USING btree (client_code, at);
CREATE INDEX audit_entry_key_idx ON audit_entry USING btree (key_id, at);
CREATE INDEX audit_entry_resource_idx ON audit_entry USING btree (resource, at);
CREATE INDEX channel_item_item_idx ON channel_item USING btree (item_id);
CREATE INDEX event_outcome_skus_idx ON event_outcome USING gin (skus) WHERE skus IS NOT NULL;
CREATE INDEX event_outcome_unsettled_idx ON event_outcome USING btree (status, received_at, id) WHERE status <> ALL (ARRAY['received'::text, 'applied'::text]);
CREATE INDEX exception_event_idx ON exception USING btree (event_id, id) WHERE event_id IS NOT NULL;
CREATE INDEX exception_inbox_idx ON exception USING btree (inbox_id) WHERE inbox_id IS NOT NULL;
CREATE INDEX exception_location_idx ON exception USING btree (location, id) WHERE location IS NOT NULL;
CREATE INDEX exception_missing_idx ON exception USING btree (kind, id) WHERE status = 'open'::text AND (kind = ANY (ARRAY['unknown_item'::text, 'unknown_location'::text]));
CREATE INDEX exception_open_idx ON exception USING btree (source_id, id) WHERE status = 'open'::text;
CREATE INDEX exception_retrying_idx ON exception USING btree (source_id, id) WHERE retrying;
CREATE INDEX exception_sku_idx ON exception USING btree (sku, id) WHERE sku IS NOT NULL;
CREATE INDEX feed_delta_at_idx ON feed_delta USING brin (at);
CREATE INDEX feed_delta_position_idx ON feed_delta USING btree (item_id, location_id, source_id);
CREATE INDEX idempotency_key_created_idx ON idempotency_key USING btree (created_at);
CREATE INDEX import_open_idx ON import USING btree (client_id, turn) WHERE status = ANY (ARRAY['queued'::text, 'running'::text]);
CREATE INDEX inbox_key_received_idx ON inbox_key USING brin (received_at);
CREATE INDEX inbox_source_idx ON inbox USING btree (source_id, received_at, id);
CREATE INDEX item_identifier_item_idx ON item_identifier USING btree (item_id);
CREATE INDEX movement_turn_idx ON movement USING btree (turn) WHERE turn IS NOT NULL;
CREATE INDEX parked_key_holder_idx ON parked_key USING btree (holder);
CREATE INDEX reservation_allocation_position_idx ON reservation_allocation USING btree (item_id, location_id, expires_at);
CREATE INDEX reservation_expiry_idx ON reservation USING btree (expires_at) WHERE status = 'held'::text;
CREATE INDEX reservation_line_item_idx ON reservation_line USING btree (item_id, reservation_id);
CREATE INDEX reservation_line_untracked_idx ON reservation_line USING btree (item_id) WHERE reserved > 0::numeric AND NOT tracked;
CREATE INDEX reservation_order_ref_idx ON reservation USING btree (order_ref, id) WHERE order_ref IS NOT NULL;
CREATE INDEX reservation_status_idx ON reservation USING btree (status, id) WHERE status <> 'shipped'::text;
CREATE UNIQUE INDEX source_ownership_key ON source_ownership USING btree (source_id, fact, location_id, valid_from) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX source_secret_current_key ON source_secret USING btree (source_id) WHERE expires_at IS NULL;
CREATE INDEX source_secret_source_idx ON source_secret USING btree (source_id);
CREATE INDEX supply_open_idx ON supply USING btree (item_id, location_id) WHERE status = 'open'::text;
CREATE UNIQUE INDEX supply_reference_key ON supply USING btree (reference, item_id, location_id);

CREATE OR REPLACE FUNCTION public.drop_inbox_days(before date)
 RETURNS TABLE(day date, dropped boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
declare
  name text;
  since timestamptz;
  until timestamptz;
begin
  perform pg_advisory_xact_lock(hashtext('inbox days'));
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'inbox'::regclass and c.relname < 'inbox_' || to_char(before, 'YYYYMMDD')
     order by c.relname
  loop
    day := to_date(right(name, 8), 'YYYYMMDD');
    since := day::timestamp at time zone 'UTC';
    until := (day + 1)::timestamp at time zone 'UTC';
    dropped := not exists (select from inbox_waiting w where w.received_at >= since and w.received_at < until)
           and not exists (select from event_outcome o
                            where o.status = 'parked' and o.received_at >= since and o.received_at < until)
           and not exists (select from event_outcome o join exception e on e.inbox_id = o.id
                            where o.status = 'exception' and o.received_at >= since and o.received_at < until
                              and e.status = 'open')
           and not exists (select from exception e
                            where e.status = 'open' and e.fact is not null
                              and e.inbox_received_at >= since and e.inbox_received_at < until);
    if dropped then
      execute format('drop table %I', name);
      delete from event_outcome o where o.received_at >= since and o.received_at < until;
      delete from inbox_key where received_at >= since and received_at < until;
      delete from event_attempt where received_at >= since and received_at < until;
    end if;
    return next;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION public.make_inbox_day(day date)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  name text := 'inbox_' || to_char(day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtext('inbox days'));
  if to_regclass(name) is not null then return; end if;
  execute format('create table %I (like inbox including all)', name);
  execute format('alter table inbox attach partition %I for values from (%L) to (%L)', name,
                 day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
end
$function$;
CREATE OR REPLACE FUNCTION public.refuse_to_rewrite_the_audit_trail()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end
$function$;
CREATE OR REPLACE FUNCTION public.refuse_to_rewrite_the_ledger()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'movements are append-only: post a movement that corrects instead' using errcode = 'insufficient_privilege';
end
$function$;

CREATE TRIGGER audit_entry_is_append_only BEFORE DELETE OR UPDATE ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_the_audit_trail();
CREATE TRIGGER audit_entry_is_never_truncated BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_the_audit_trail();
CREATE TRIGGER movement_is_append_only BEFORE DELETE OR UPDATE ON movement FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_the_ledger();
CREATE TRIGGER movement_is_never_truncated BEFORE TRUNCATE ON movement FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_the_ledger();

comment on column api_key.hash is 'HMAC-SHA-256 of the key under a pepper that is not in the database; SHA-256 where pepper is null. The key itself has 192 random bits and is shown once.';
comment on column api_key.pepper is 'Names the pepper, and tells nothing of it. null: a key of before peppers, which its next use hashes anew.';
comment on column api_key.successor_id is 'The key that a rotation made in its place.';
comment on table audit_entry is 'Append-only. No foreign keys: what it tells outlasts what it tells of.';
comment on column audit_entry.channel_id is 'Of the client: whose administrators may read it.';
comment on column audit_entry.key_id is 'The id of the key, never the key; holdfast: the service itself.';
comment on column audit_entry.times is 'How often the same was refused within the second.';
comment on column channel.backorder_limit is 'null: unlimited; 0: none.';
comment on column channel.max_held_quantity is 'How much of one item one client may hold, in its base unit; null: any amount.';
comment on column channel.max_open_holds is 'Holds that one client may have open on one item; null: any number.';
comment on column channel_item.buffer is 'null: the channel''s own buffer.';
comment on column channel_item.limits_backorder is 'false: the channel''s own limit; true: backorder_limit counts, null being unlimited.';
comment on column client.allowed_addresses is 'Addresses and CIDR ranges its keys may be used from. Empty: from everywhere.';
comment on column client.tier is 'Names its rate limit where rate_limit is null.';
comment on table configuration is 'One row: raised by every change of a location, a channel or its locations.';
comment on column configuration.installation is 'Names this database in a Redis that others may share.';
comment on table deprecated_use is 'Calls of deprecated operations, added once a minute by each process: what a killed process had not yet added is missing.';
comment on column deprecated_use.client is 'Its code; empty: nobody, the key was missing or bad, or the operation needs none.';
comment on column deprecated_use.day is 'In UTC.';
comment on column deprecated_use.operation is 'The operation id of the OpenAPI document.';
comment on table event_attempt is 'What was tried with an event that was not simply applied at the first try.';
comment on table event_outcome is 'What became of an event; none: nothing yet. Forgotten with its day.';
comment on column event_outcome.canonical is 'What it was mapped to; null: its payload is canonical.';
comment on column event_outcome.profile is 'What mapped it, as `name/version`; null: nothing did, or its payload is canonical as it came.';
comment on column event_outcome.skus is 'What it is about, once it is mapped.';
comment on column event_outcome.status is 'received: it is to be tried again.';
comment on column exception.affected is 'What it touches, such as the commitments that a shortfall uncovers.';
comment on column exception.fact is 'The one row it is about as an event of its own, where the rest of the event was applied; null: the whole event.';
comment on column exception.note is 'What somebody wrote beside it; who, and what stood there before, is in the audit trail.';
comment on column exception.notes is '[{ at, actor, action, note }], oldest first.';
comment on column exception.payload is 'What a person put in the place of the event''s own payload.';
comment on column exception.retrying is 'The worker is to try the row again.';
comment on table feed_catalog is 'How new what was last applied of an item or a location is: an older update that comes late is stale.';
comment on column feed_delta.committed_at is 'A shipment of a commitment: when that was made. A figure that nets it knows of it.';
comment on table feed_position is 'How far what a source says of a position is applied (semantics.md 23).';
comment on column feed_position.as_of is 'Of the last absolute figure applied; as_of_sequence: its sequence.';
comment on column feed_position.event is 'The inbox id of that figure: an event applied in pieces knows what of it is done.';
comment on column feed_position.last_sequence is 'Of the last event applied.';
comment on column feed_position.turn is 'Its place in order of arrival, where as_of is only when it was received.';
comment on column import.applied is 'Rows that hold now, unchanged ones included.';
comment on column import.as_of is 'Of events: when the levels of a CSV were counted.';
comment on column import.attempts is 'How often it was taken up since it last moved on.';
comment on column import.columns is 'The header of a CSV; null: each row names its fields.';
comment on column import.complete_at is 'The location where what the file omits is 0: it becomes one snapshot. Null: it says nothing of what it omits.';
comment on column import.lease is 'Names the worker at work. Whoever writes progress must still have it.';
comment on column import.reached_byte is 'Where the first row that is not yet accounted for begins, in bytes from the start; reached_line: the line before it.';
comment on column import.traceparent is 'Of the request that brought it: its events bear it, too.';
comment on column import.turn is 'The imports of one client are applied in the order in which they were accepted.';
comment on column import_failure.line is 'As an editor counts the lines of the file, from 1; of a row of several lines the first.';
comment on table inbox is 'One row an event, as it was sent.';
comment on column inbox.batch is 'All events with the same, with all their rows, or none (semantics.md 26); null: each for itself. Ours: senders use a request_id again.';
comment on column inbox.event_id is 'The sender''s own; where it names none, sha256: and the hash of what it sent.';
comment on column inbox.hash is 'SHA-256 of the bytes.';
comment on column inbox.headers is 'Those of the request that a profile may ask for.';
comment on column inbox.payload is 'This event''s part of the body, byte for byte.';
comment on column inbox.payload_base64 is 'true: the bytes are not text as PostgreSQL holds it (not UTF-8, or with a NUL), so they stand in base64.';
comment on column inbox.received_at is 'To the millisecond, the very one that stands in the id: an id alone finds its day.';
comment on column inbox.signature is '{ scheme, secretId?, timestamp? }: how it was proved to be from the source.';
comment on column inbox.turn is 'In order of arrival.';
comment on table inbox_key is 'Which events are known (semantics.md 22). Forgotten with their day.';
comment on column inbox_key.variant is 'Empty for the body that came first under this id; the hash in hexadecimals for any other.';
comment on table inbox_waiting is 'Events that are to be applied. Whoever applies one takes it away, in the transaction that posts what it says.';
comment on column inbox_waiting.attempts is 'How often it was tried before.';
comment on column inbox_waiting.progress is 'How many of its rows are done, of an event applied in pieces: a snapshot of many rows.';
comment on column item.deleted_at is 'Its ledger stays; creating the SKU again revives the row and its position versions.';
comment on column item.revision is 'Raised by every change of the item, its units or a channel''s rules for it.';
comment on column item.version is 'What clients see and send in If-Match.';
comment on column item_uom.factor is 'How many of the base unit one of this unit holds.';
comment on table loose_shipment is 'What left under a reference without a commitment of ours: counted once, and put back when it is cancelled.';
comment on table movement is 'The ledger, append-only. No foreign keys: the engine holds the lock of the position it writes for, and each key would cost a look-up a row.';
comment on column movement.turn is 'Of the event that moved it, among all that were received; null: no event did.';
comment on column outbox.location_id is 'null: of the item itself, its units or a channel''s rules; the version is its revision.';
comment on column parked_key.blocked is 'true: nothing is wrong with it, it waits behind another.';
comment on column parked_key.holder is 'The inbox id, or where the rest of the event was applied the id of the row''s exception.';
comment on table "position" is 'The figures of one item at one location, in the base unit. Half-empty pages and no index on a figure keep every update HOT.';
comment on column "position".next_expiry is 'No later than the earliest expiry of a hold here; null: no hold. May be too early, never too late.';
comment on column "position".version is 'Raised by one for every movement: count(movement) of the position.';
comment on table profile is 'Each version is a row for ever: what an event was once mapped by can be looked up.';
comment on column profile.base is 'A shipped profile: what is null here is as there, and its constants are beneath these.';
comment on column profile.created_by is 'The key that wrote this version.';
comment on column profile.expression is 'JSONata, from the payload to canonical events.';
comment on column reservation_allocation.backordered is 'How much of it was admitted beyond what was there: beyond it, what is uncovered is a shortfall.';
comment on column reservation_allocation.expires_at is 'The hold''s expiry, repeated here so that a position finds what of it has expired; null: committed.';
comment on table reservation_line is 'Quantities in the base unit; factor is what one of the line''s unit held when it was made.';
comment on column reservation_line.tracked is 'false: reserved without effect on any figure, and so without allocations (semantics.md 8).';
comment on table running_process is 'Who runs: each process says so every few seconds, and takes its row away when it ends.';
comment on column shipment.lines is '[{ line, locationId (where it left from; null: untracked), quantity }], quantities in ten-thousandths of the base unit.';
comment on column source.freshness_seconds is 'How long it may be silent before its figures are stale; null: as long as it likes.';
comment on column source.last_heard_at is 'To within a second: when a body of it was last accepted.';
comment on column source.signature is '{ scheme, header?, encoding?, username? }: how a body is proved to be from this source.';
comment on table source_ownership is 'Who may say what of which location, and when: past periods stay, because an event counts by its own time (semantics.md 25).';
comment on column source_ownership.location_id is 'null: every location that no other source owns by name at that time.';
comment on column source_secret.ciphertext is 'AES-256-GCM under SECRET_ENCRYPTION_KEY: nonce (12 bytes), tag (16), text.';
comment on column source_secret.expires_at is 'null: the current one. Its predecessor stays good until its expiry.';
comment on table supply is 'What is announced: the open remainders of a position add up to its incoming.';
comment on column supply.as_of is 'Of the last announcement or cancellation; null: only receipts so far.';

grant usage on schema public to holdfast_app;
grant delete, insert, select, update on api_key to holdfast_app;
grant insert, select on audit_entry to holdfast_app;
grant delete, insert, select, update on channel to holdfast_app;
grant delete, insert, select, update on channel_item to holdfast_app;
grant delete, insert, select, update on channel_location to holdfast_app;
grant delete, insert, select, update on client to holdfast_app;
grant delete, insert, select, update on configuration to holdfast_app;
grant delete, insert, select, update on deprecated_use to holdfast_app;
grant select on event to holdfast_app;
grant insert, select on event_attempt to holdfast_app;
grant insert, select, update on event_outcome to holdfast_app;
grant insert, select, update on exception to holdfast_app;
grant insert, select, update on feed_catalog to holdfast_app;
grant delete, insert, select, update on feed_delta to holdfast_app;
grant insert, select, update on feed_position to holdfast_app;
grant delete, insert, select, update on idempotency_key to holdfast_app;
grant delete, insert, select, update on import to holdfast_app;
grant delete, insert, select, update on import_chunk to holdfast_app;
grant delete, insert, select, update on import_failure to holdfast_app;
grant insert, select on inbox to holdfast_app;
grant delete, insert, select, update on inbox_key to holdfast_app;
grant usage on sequence inbox_turn to holdfast_app;
grant delete, insert, select, update on inbox_waiting to holdfast_app;
grant delete, insert, select, update on item to holdfast_app;
grant delete, insert, select, update on item_identifier to holdfast_app;
grant delete, insert, select, update on item_uom to holdfast_app;
grant delete, insert, select, update on location to holdfast_app;
grant insert, select, update on loose_shipment to holdfast_app;
grant insert, select on movement to holdfast_app;
grant delete, insert, select, update on outbox to holdfast_app;
grant delete, insert, select, update on parked_key to holdfast_app;
grant delete, insert, select, update on "position" to holdfast_app;
grant insert, select on profile to holdfast_app;
grant insert, select, update on reservation to holdfast_app;
grant delete, insert, select, update on reservation_allocation to holdfast_app;
grant delete, insert, select, update on reservation_line to holdfast_app;
grant insert, select on reservation_step to holdfast_app;
grant delete, insert, select, update on running_process to holdfast_app;
grant insert, select, update on shipment to holdfast_app;
grant insert, select, update on source to holdfast_app;
grant delete, insert, select, update on source_ownership to holdfast_app;
grant delete, insert, select, update on source_secret to holdfast_app;
grant insert, select, update on supply to holdfast_app;
revoke execute on function drop_inbox_days(date) from public;
grant execute on function drop_inbox_days(date) to holdfast_app;
revoke execute on function make_inbox_day(date) from public;
grant execute on function make_inbox_day(date) to holdfast_app;
