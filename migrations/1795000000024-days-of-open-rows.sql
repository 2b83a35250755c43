-- A day of the inbox stays as long as anything of it waits for a person: a row that was not applied with its event, too. The
-- event is applied then, and what is tried again of it needs the row in the inbox.

-- up
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
$$;

-- down
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
