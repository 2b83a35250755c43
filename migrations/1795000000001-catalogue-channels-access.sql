-- What is sold, where it stands, who sells it and who calls: the calm tables.
-- Every change that the posting engine's copy of the catalogue depends on raises a revision, so that a process
-- that holds an old copy finds out inside the transaction it decides in.

-- up
-- The role the service runs as: it may read and write rows, never change the schema, and (see the next migration)
-- never rewrite the ledger. A cluster has it once, however many databases there are.
do $$
begin
  if not exists (select from pg_roles where rolname = 'holdfast_app') then
    create role holdfast_app nologin;
  end if;
  execute format('grant holdfast_app to %I', current_user);
exception
  when duplicate_object or unique_violation then null; -- another database of the cluster was quicker
end
$$;
grant usage on schema public to holdfast_app;

create table configuration (
  singleton boolean not null default true,
  revision bigint not null default 1,
  installation uuid not null default gen_random_uuid(),
  constraint configuration_pkey primary key (singleton),
  constraint configuration_is_one_row check (singleton)
);
comment on table configuration is 'One row: raised by every change of a location, a channel or its locations.';
comment on column configuration.installation is 'Names this database in a Redis that others may share.';
insert into configuration default values;

create table item (
  id bigint generated always as identity,
  sku text collate "C" not null,
  name text not null,
  base_uom text not null,
  fraction_digits smallint not null default 0,
  tracked boolean not null default true,
  active boolean not null default true,
  attributes jsonb not null default '{}',
  version integer not null default 1,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint item_pkey primary key (id),
  constraint item_sku_key unique (sku),
  constraint item_fraction_digits_check check (fraction_digits between 0 and 4)
);
comment on column item.version is 'What clients see and send in If-Match.';
comment on column item.revision is 'Raised by every change of the item, its units or a channel''s rules for it.';
comment on column item.deleted_at is 'Its ledger stays; creating the SKU again revives the row and its position versions.';

create table item_uom (
  item_id bigint not null,
  code text collate "C" not null,
  factor numeric(18, 4) not null,
  constraint item_uom_pkey primary key (item_id, code),
  constraint item_uom_item_fkey foreign key (item_id) references item (id),
  constraint item_uom_factor_check check (factor > 0)
);
comment on column item_uom.factor is 'How many of the base unit one of this unit holds.';

create table item_identifier (
  item_id bigint not null,
  type text not null,
  value text collate "C" not null,
  party text collate "C" not null default '',
  constraint item_identifier_pkey primary key (type, value, party),
  constraint item_identifier_item_fkey foreign key (item_id) references item (id)
);
create index item_identifier_item_idx on item_identifier (item_id);

create table location (
  id integer generated always as identity,
  code text collate "C" not null,
  name text not null,
  type text not null,
  enabled boolean not null default true,
  gln text,
  timezone text,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint location_pkey primary key (id),
  constraint location_code_key unique (code)
);

create table channel (
  id integer generated always as identity,
  code text collate "C" not null,
  name text not null,
  sourcing text not null,
  priority integer not null default 0,
  buffer numeric(18, 4) not null default 0,
  backorder_limit numeric(18, 4) default 0,
  hold_ttl_seconds integer not null default 900,
  max_hold_ttl_seconds integer not null default 86400,
  rate_limit jsonb,
  stale_policy text not null default 'serve',
  stale_buffer numeric(18, 4) not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint channel_pkey primary key (id),
  constraint channel_code_key unique (code),
  constraint channel_sourcing_check check (sourcing in ('listed_order', 'fullest_first', 'single_location')),
  constraint channel_stale_policy_check check (stale_policy in ('serve', 'buffer', 'refuse')),
  constraint channel_buffer_check check (buffer >= 0 and stale_buffer >= 0 and backorder_limit >= 0)
);
comment on column channel.backorder_limit is 'null: unlimited; 0: none.';

create table channel_location (
  channel_id integer not null,
  location_id integer not null,
  rank smallint not null,
  constraint channel_location_pkey primary key (channel_id, location_id),
  constraint channel_location_channel_fkey foreign key (channel_id) references channel (id),
  constraint channel_location_location_fkey foreign key (location_id) references location (id)
);

create table channel_item (
  channel_id integer not null,
  item_id bigint not null,
  buffer numeric(18, 4),
  backorder_limit numeric(18, 4),
  limits_backorder boolean not null default false,
  version integer not null default 1,
  constraint channel_item_pkey primary key (channel_id, item_id),
  constraint channel_item_channel_fkey foreign key (channel_id) references channel (id),
  constraint channel_item_item_fkey foreign key (item_id) references item (id),
  constraint channel_item_figures_check check (buffer >= 0 and backorder_limit >= 0)
);
create index channel_item_item_idx on channel_item (item_id);
comment on column channel_item.buffer is 'null: the channel''s own buffer.';
comment on column channel_item.limits_backorder is 'false: the channel''s own limit; true: backorder_limit counts, null being unlimited.';

create table client (
  id text collate "C" not null,
  code text collate "C" not null,
  name text not null,
  channel_id integer,
  rate_limit jsonb,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint client_pkey primary key (id),
  constraint client_code_key unique (code),
  constraint client_channel_fkey foreign key (channel_id) references channel (id)
);

create table api_key (
  id text collate "C" not null,
  client_id text collate "C" not null,
  name text not null,
  hash bytea not null,
  prefix text not null,
  last_four text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  constraint api_key_pkey primary key (id),
  constraint api_key_hash_key unique (hash),
  constraint api_key_client_fkey foreign key (client_id) references client (id)
);
create index api_key_client_idx on api_key (client_id);
comment on column api_key.hash is 'SHA-256 of the key. The key itself has 192 random bits and is shown once.';

-- One row a request that changed something: its key, what was asked (as a hash) and what was answered.
create table idempotency_key (
  client_id text collate "C" not null,
  key text collate "C" not null,
  fingerprint bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamptz not null,
  constraint idempotency_key_pkey primary key (client_id, key)
);
-- BRIN: the purge reads by age, rows arrive in order of age, and a B-tree would cost every reservation an entry.
create index idempotency_key_created_idx on idempotency_key using brin (created_at);

grant select, insert, update, delete on
  configuration, item, item_uom, item_identifier, location, channel, channel_location, channel_item, client, api_key, idempotency_key
  to holdfast_app;

-- down
drop table idempotency_key, api_key, client, channel_item, channel_location, channel, location, item_identifier, item_uom, item, configuration;
-- The role stays: other databases of the cluster may use it.
revoke usage on schema public from holdfast_app;
