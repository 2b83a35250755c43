-- What other systems say: who they are, what they own, every event as it was sent, and what became of it.
-- The inbox is cut into days (UTC): a day is made ahead, and dropped whole when it is older than is kept.

-- up
create table source (
  id integer generated always as identity,
  code text collate "C" not null,
  name text not null,
  kind text not null,
  profile text collate "C" not null,
  signature jsonb not null,
  quantity_basis text not null default 'on_hand',
  freshness_seconds integer,
  rate_limit jsonb,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_heard_at timestamptz,
  constraint source_pkey primary key (id),
  constraint source_code_key unique (code),
  constraint source_kind_check check (kind in ('wms', 'erp', 'threepl', 'edi', 'other')),
  constraint source_quantity_basis_check check (quantity_basis in ('on_hand', 'available')),
  constraint source_freshness_check check (freshness_seconds > 0)
) with (fillfactor = 50);
comment on column source.signature is '{ scheme, header?, encoding?, username? }: how a body is proved to be from this source.';
comment on column source.freshness_seconds is 'How long it may be silent before its figures are stale; null: as long as it likes.';
comment on column source.last_heard_at is 'To within a second: when a body of it was last accepted.';

create table source_secret (
  id text collate "C" not null,
  source_id integer not null,
  ciphertext bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  constraint source_secret_pkey primary key (id),
  constraint source_secret_source_fkey foreign key (source_id) references source (id)
);
create unique index source_secret_current_key on source_secret (source_id) where expires_at is null;
create index source_secret_source_idx on source_secret (source_id);
comment on column source_secret.ciphertext is 'AES-256-GCM under SECRET_ENCRYPTION_KEY: nonce (12 bytes), tag (16), text.';
comment on column source_secret.expires_at is 'null: the current one. Its predecessor stays good until its expiry.';

create table source_ownership (
  source_id integer not null,
  location_id integer,
  fact text not null,
  valid_from timestamptz not null,
  valid_until timestamptz,
  constraint source_ownership_source_fkey foreign key (source_id) references source (id),
  constraint source_ownership_location_fkey foreign key (location_id) references location (id),
  constraint source_ownership_fact_check check (fact in ('on_hand', 'supply', 'catalog', 'orders')),
  constraint source_ownership_period_check check (valid_from < valid_until)
);
create unique index source_ownership_key on source_ownership (source_id, fact, location_id, valid_from) nulls not distinct;
comment on table source_ownership is 'Who may say what of which location, and when: past periods stay, because an event counts by its own time (semantics.md 25).';
comment on column source_ownership.location_id is 'null: every location that no other source owns by name at that time.';

create sequence inbox_turn;

create table inbox (
  received_at timestamptz not null,
  id text collate "C" not null,
  turn bigint not null default nextval('inbox_turn'),
  source_id integer not null,
  event_id text collate "C" not null,
  payload text not null,
  payload_base64 boolean not null default false,
  content_type text not null,
  hash bytea not null,
  headers jsonb,
  signature jsonb not null,
  traceparent text,
  request_id text not null,
  import_id text collate "C",
  status text not null default 'received',
  canonical jsonb,
  skus text[],
  attempts smallint not null default 0,
  finished_at timestamptz,
  problem jsonb,
  constraint inbox_pkey primary key (received_at, id),
  constraint inbox_status_check check (status in ('received', 'applied', 'duplicate', 'stale', 'parked', 'exception'))
) partition by range (received_at);
create index inbox_received_idx on inbox (source_id, turn) where status = 'received';
-- Not of what waits and is applied, which is nearly everything: it costs them nothing.
create index inbox_unsettled_idx on inbox (status, received_at, id) where status not in ('received', 'applied');
create index inbox_source_idx on inbox (source_id, received_at, id);
create index inbox_skus_idx on inbox using gin (skus) where skus is not null;
comment on table inbox is 'One row an event, as it was sent.';
comment on column inbox.received_at is 'To the millisecond, the very one that stands in the id: an id alone finds its day.';
comment on column inbox.turn is 'In order of arrival.';
comment on column inbox.event_id is 'The sender''s own; where it names none, sha256: and the hash of what it sent.';
comment on column inbox.payload is 'This event''s part of the body, byte for byte.';
comment on column inbox.payload_base64 is 'true: the bytes are not text as PostgreSQL holds it (not UTF-8, or with a NUL), so they stand in base64.';
comment on column inbox.hash is 'SHA-256 of the bytes.';
comment on column inbox.headers is 'Those of the request that a profile may ask for.';
comment on column inbox.signature is '{ scheme, secretId?, timestamp? }: how it was proved to be from the source.';
comment on column inbox.skus is 'What it is about, once it is mapped.';

create table inbox_key (
  source_id integer not null,
  event_id text collate "C" not null,
  variant text collate "C" not null default '',
  hash bytea not null,
  id text collate "C" not null,
  received_at timestamptz not null,
  deliveries integer not null default 1,
  constraint inbox_key_pkey primary key (source_id, event_id, variant)
) with (fillfactor = 90);
create index inbox_key_received_idx on inbox_key using brin (received_at);
comment on table inbox_key is 'Which events are known (semantics.md 22). Forgotten with their day.';
comment on column inbox_key.variant is 'Empty for the body that came first under this id; the hash in hexadecimals for any other.';

create index movement_event_idx on movement (event_id) where event_id is not null;

create table event_attempt (
  received_at timestamptz not null,
  inbox_id text collate "C" not null,
  attempt smallint not null,
  at timestamptz not null,
  outcome text not null,
  detail text,
  constraint event_attempt_pkey primary key (received_at, inbox_id, attempt)
);
comment on table event_attempt is 'What was tried with an event that was not simply applied at the first try.';

create table exception (
  id text collate "C" not null,
  kind text not null,
  status text not null default 'open',
  source_id integer not null,
  inbox_id text collate "C",
  inbox_received_at timestamptz,
  event_id text collate "C",
  sku text collate "C",
  location text collate "C",
  detail text not null,
  affected jsonb,
  notes jsonb not null default '[]',
  payload text,
  created_at timestamptz not null,
  resolved_at timestamptz,
  constraint exception_pkey primary key (id),
  constraint exception_source_fkey foreign key (source_id) references source (id),
  constraint exception_status_check check (status in ('open', 'resolved', 'discarded')),
  constraint exception_resolved_check check ((status = 'open') = (resolved_at is null))
);
create index exception_open_idx on exception (source_id, id) where status = 'open';
create index exception_inbox_idx on exception (inbox_id) where inbox_id is not null;
create index exception_event_idx on exception (event_id, id) where event_id is not null;
create index exception_sku_idx on exception (sku, id) where sku is not null;
create index exception_location_idx on exception (location, id) where location is not null;
comment on column exception.affected is 'What it touches, such as the commitments that a shortfall uncovers.';
comment on column exception.notes is '[{ at, actor, action, note }], oldest first.';
comment on column exception.payload is 'What a person put in the place of the event''s own payload.';

create table feed_position (
  source_id integer not null,
  item_id bigint not null,
  location_id integer not null,
  as_of timestamptz,
  as_of_sequence numeric,
  last_sequence numeric,
  constraint feed_position_pkey primary key (source_id, item_id, location_id)
) with (fillfactor = 50);
comment on table feed_position is 'How far what a source says of a position is applied (semantics.md 23).';
comment on column feed_position.as_of is 'Of the last absolute figure applied; as_of_sequence: its sequence.';
comment on column feed_position.last_sequence is 'Of the last event applied.';

create table supply (
  id bigint generated always as identity,
  source_id integer not null,
  kind text not null,
  reference text collate "C" not null,
  item_id bigint not null,
  location_id integer not null,
  quantity numeric(18, 4) not null,
  received numeric(18, 4) not null default 0,
  expected_at timestamptz,
  status text not null default 'open',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint supply_pkey primary key (id),
  constraint supply_source_fkey foreign key (source_id) references source (id),
  constraint supply_kind_check check (kind in ('purchase', 'asn', 'transfer')),
  constraint supply_status_check check (status in ('open', 'received', 'cancelled')),
  constraint supply_quantity_check check (quantity > 0 and received >= 0)
) with (fillfactor = 80);
create index supply_reference_idx on supply (reference, item_id, location_id);
create index supply_open_idx on supply (item_id, location_id) where status = 'open';
comment on table supply is 'What is announced: the open remainders of a position add up to its incoming.';

-- Files of events come by the way of imports: into the inbox of a source.
alter table import add column source_id integer, add column as_of timestamptz;
alter table import add constraint import_source_fkey foreign key (source_id) references source (id);
alter table import drop constraint import_kind_check, drop constraint import_format_check;
alter table import add constraint import_kind_check check (kind in ('items', 'locations', 'levels', 'events'));
alter table import add constraint import_format_check check (format in ('csv', 'ndjson', 'x12', 'edifact'));
alter table import add constraint import_events_check check ((kind = 'events') = (source_id is not null and as_of is not null));
comment on column import.as_of is 'Of events: when the levels of a CSV were counted.';

-- The service's role owns no table, so it makes and drops days through these two. A day is attached, not created as a
-- partition: that would wait for whoever reads the inbox, and all who write would wait behind it.
create function make_inbox_day(day date) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name text := 'inbox_' || to_char(day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtext('inbox days'));
  if to_regclass(name) is not null then return; end if;
  execute format('create table %I (like inbox including all) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)', name);
  execute format('alter table inbox attach partition %I for values from (%L) to (%L)', name,
                 day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
end
$$;

-- Drops the days before `day`, with what is known of their events. A day that still holds what is not settled stays:
-- nothing is lost because nobody looked. Returns the days that were dropped, and those that stay for that reason.
create function drop_inbox_days(before date) returns table (day date, dropped boolean)
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
  name text;
  waits boolean;
  since timestamptz;
begin
  perform pg_advisory_xact_lock(hashtext('inbox days'));
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'inbox'::regclass and c.relname < 'inbox_' || to_char(before, 'YYYYMMDD')
     order by c.relname
  loop
    day := to_date(right(name, 8), 'YYYYMMDD');
    since := day::timestamp at time zone 'UTC';
    execute format(
      'select exists (select from %I where status in (''received'', ''parked''))
           or exists (select from %I i join exception e on e.inbox_id = i.id
                       where i.status = ''exception'' and e.status = ''open'')', name, name) into waits;
    dropped := not waits;
    if dropped then
      execute format('drop table %I', name);
      delete from inbox_key where received_at >= since and received_at < since + interval '1 day';
      delete from event_attempt where received_at >= since and received_at < since + interval '1 day';
    end if;
    return next;
  end loop;
end
$$;
revoke execute on function make_inbox_day(date), drop_inbox_days(date) from public;
grant execute on function make_inbox_day(date), drop_inbox_days(date) to holdfast_app;

grant select, insert, update on source, exception, feed_position, supply to holdfast_app;
grant select, insert, update, delete on source_secret, source_ownership, inbox_key to holdfast_app;
grant usage on sequence inbox_turn to holdfast_app;
-- What was sent is never rewritten: only what became of it.
grant select, insert, update (status, canonical, skus, attempts, finished_at, problem) on inbox to holdfast_app;
grant select, insert on event_attempt to holdfast_app;

-- down
delete from import where kind = 'events';
alter table import drop column source_id, drop column as_of;
alter table import drop constraint import_kind_check, drop constraint import_format_check;
alter table import add constraint import_kind_check check (kind in ('items', 'locations', 'levels'));
alter table import add constraint import_format_check check (format in ('csv', 'ndjson'));
drop index movement_event_idx;
drop table supply, feed_position, exception, event_attempt, inbox_key, inbox, source_ownership, source_secret, source;
drop function make_inbox_day(date);
drop function drop_inbox_days(date);
drop sequence inbox_turn;
