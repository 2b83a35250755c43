-- The inbox holds what was sent and is never written again. What waits stands in a narrow table beside it, and what became of
-- an event in another. One row with both was written twice, whole: its indexes look at its state, so that no update was HOT,
-- and each took the row, its payload and four indexes along: 26 µs of PostgreSQL an event, of 68 for applying it.

-- up
create table inbox_waiting (
  source_id integer not null,
  turn bigint not null,
  received_at timestamptz not null,
  id text collate "C" not null,
  attempts smallint not null default 0,
  progress integer not null default 0,
  constraint inbox_waiting_pkey primary key (source_id, turn)
) with (autovacuum_vacuum_scale_factor = 0.01);
comment on table inbox_waiting is 'Events that are to be applied. Whoever applies one takes it away, in the transaction that posts what it says.';
comment on column inbox_waiting.attempts is 'How often it was tried before.';
comment on column inbox_waiting.progress is 'How many of its rows are done, of an event applied in pieces: a snapshot of many rows.';

create table event_outcome (
  received_at timestamptz not null,
  id text collate "C" not null,
  status text not null,
  attempts smallint not null,
  finished_at timestamptz not null,
  skus text[],
  canonical jsonb,
  problem jsonb,
  constraint event_outcome_pkey primary key (received_at, id),
  constraint event_outcome_status_check check (status in ('received', 'applied', 'duplicate', 'stale', 'parked', 'exception'))
);
-- Not of what is applied, which is nearly everything: it costs them nothing.
create index event_outcome_unsettled_idx on event_outcome (status, received_at, id) where status not in ('received', 'applied');
create index event_outcome_skus_idx on event_outcome using gin (skus) where skus is not null;
comment on table event_outcome is 'What became of an event; none: nothing yet. Forgotten with its day.';
comment on column event_outcome.status is 'received: it is to be tried again.';
comment on column event_outcome.skus is 'What it is about, once it is mapped.';
comment on column event_outcome.canonical is 'What it was mapped to; null: its payload is canonical.';

insert into inbox_waiting (source_id, turn, received_at, id, attempts, progress)
select source_id, turn, received_at, id, attempts, progress from inbox where status = 'received';
insert into event_outcome (received_at, id, status, attempts, finished_at, skus, canonical, problem)
select received_at, id, status, attempts, coalesce(finished_at, received_at), skus, canonical, problem
  from inbox where status <> 'received' or attempts > 0;

drop index inbox_received_idx, inbox_unsettled_idx, inbox_skus_idx;
alter table inbox drop constraint inbox_status_check;
alter table inbox drop column status, drop column canonical, drop column skus, drop column attempts, drop column finished_at,
  drop column problem, drop column progress;

-- An event as people see it.
create view event as
select i.*, coalesce(o.status, 'received') as status, coalesce(o.attempts, 0::smallint) as attempts, o.finished_at, o.skus,
       o.canonical, o.problem
  from inbox i
  left join event_outcome o on o.received_at = i.received_at and o.id = i.id;

-- As before, but full pages: no row of a day is written again.
create or replace function make_inbox_day(day date) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name text := 'inbox_' || to_char(day, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtext('inbox days'));
  if to_regclass(name) is not null then return; end if;
  execute format('create table %I (like inbox including all)', name);
  execute format('alter table inbox attach partition %I for values from (%L) to (%L)', name,
                 day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
end
$$;

create or replace function drop_inbox_days(before date) returns table (day date, dropped boolean)
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
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
                              and e.status = 'open');
    if dropped then
      execute format('drop table %I', name);
      delete from event_outcome o where o.received_at >= since and o.received_at < until;
      delete from inbox_key where received_at >= since and received_at < until;
      delete from event_attempt where received_at >= since and received_at < until;
    end if;
    return next;
  end loop;
end
$$;

grant select, insert, delete, update on inbox_waiting to holdfast_app;
grant select, insert, update on event_outcome to holdfast_app;
grant select on event to holdfast_app;

-- down
drop view event;
-- The columns in their old order.
alter table inbox rename column batch to all_or_none;
alter table inbox add column status text not null default 'received', add column canonical jsonb, add column skus text[],
  add column attempts smallint not null default 0, add column finished_at timestamptz, add column problem jsonb,
  add column progress integer not null default 0, add column batch text collate "C";
update inbox set batch = all_or_none where all_or_none is not null;
alter table inbox drop column all_or_none;
comment on column inbox.batch is 'All events with the same, with all their rows, or none (semantics.md 26); null: each for itself. Ours: senders use a request_id again.';
update inbox i
   set status = o.status, canonical = o.canonical, skus = o.skus, attempts = o.attempts, finished_at = o.finished_at,
       problem = o.problem
  from event_outcome o where o.received_at = i.received_at and o.id = i.id;
update inbox i set attempts = w.attempts, progress = w.progress
  from inbox_waiting w where w.received_at = i.received_at and w.id = i.id;
alter table inbox add constraint inbox_status_check check (status in ('received', 'applied', 'duplicate', 'stale', 'parked', 'exception'));
create index inbox_received_idx on inbox (source_id, turn) where status = 'received';
create index inbox_unsettled_idx on inbox (status, received_at, id) where status not in ('received', 'applied');
create index inbox_skus_idx on inbox using gin (skus) where skus is not null;
grant update (status, canonical, skus, attempts, finished_at, problem, progress) on inbox to holdfast_app;
comment on column inbox.skus is 'What it is about, once it is mapped.';
comment on column inbox.progress is 'How many of its rows are done, of an event applied in pieces: a snapshot of many rows.';
drop table event_outcome, inbox_waiting;
create or replace function make_inbox_day(day date) returns void
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
create or replace function drop_inbox_days(before date) returns table (day date, dropped boolean)
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
