-- Who changed what: one row a change by hand or refusal, written in the transaction of the change, and never rewritten.

-- up
create table audit_entry (
  id text collate "C" not null,
  at timestamptz not null,
  client_id text collate "C" not null,
  client_code text collate "C" not null,
  channel_id integer,
  key_id text collate "C" not null,
  action text collate "C" not null,
  resource text collate "C" not null,
  outcome text not null,
  reason text,
  times integer not null default 1,
  before jsonb,
  after jsonb,
  request_id text,
  address text,
  constraint audit_entry_pkey primary key (id),
  constraint audit_entry_outcome_check check (outcome in ('done', 'refused') and (outcome = 'refused') = (reason is not null)),
  constraint audit_entry_times_check check (times > 0)
);
comment on table audit_entry is 'Append-only. No foreign keys: what it tells outlasts what it tells of.';
comment on column audit_entry.channel_id is 'Of the client: whose administrators may read it.';
comment on column audit_entry.key_id is 'The id of the key, never the key; holdfast: the service itself.';
comment on column audit_entry.times is 'How often the same was refused within the second.';
create index audit_entry_at_idx on audit_entry (at, id);
create index audit_entry_key_idx on audit_entry (key_id, at);
create index audit_entry_client_idx on audit_entry (client_code, at);
create index audit_entry_resource_idx on audit_entry (resource, at);

-- The grants keep the service from it; this keeps also whoever owns the table, until they say that they mean it.
create function refuse_to_rewrite_the_audit_trail() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_entry_is_append_only before update or delete on audit_entry
  for each row execute function refuse_to_rewrite_the_audit_trail();
create trigger audit_entry_is_never_truncated before truncate on audit_entry
  for each statement execute function refuse_to_rewrite_the_audit_trail();

grant select, insert on audit_entry to holdfast_app;

-- down
drop table audit_entry;
drop function refuse_to_rewrite_the_audit_trail();
