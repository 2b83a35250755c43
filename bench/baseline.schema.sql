-- What somebody who needs only this would write: no more tables, columns and indexes than a reservation must have.
-- The stock rows have the storage settings of ours, so that their updates stay as cheap.
create table stock (
  id integer primary key,
  on_hand bigint not null check (on_hand >= 0),
  reserved bigint not null default 0 check (reserved >= 0),
  version bigint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

create table reservation (
  id bigint generated always as identity primary key,
  channel_id integer not null,
  status text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);

create table reservation_line (
  reservation_id bigint not null,
  line smallint not null,
  stock_id integer not null,
  quantity bigint not null,
  primary key (reservation_id, line)
);

create table movement (
  stock_id integer not null,
  version bigint not null,
  reserved_delta bigint not null,
  reservation_id bigint not null,
  at timestamptz not null default now(),
  primary key (stock_id, version)
);

create table outbox (
  id bigint generated always as identity primary key,
  stock_id integer not null,
  version bigint not null
);

create table idempotency_key (
  key text primary key,
  reservation_id bigint not null,
  created_at timestamptz not null default now()
);

insert into stock (id, on_hand) select id, 1000000000 from generate_series(1, 10000) as id;

-- Events are told apart by the id their source gives them, looked up by ours, and taken up in order of arrival.
create table inbox (
  id bigint generated always as identity primary key,
  source_id integer not null,
  event_id text not null,
  received_at timestamptz not null default now(),
  hash bytea not null,
  payload text not null,
  status text not null default 'received',
  unique (source_id, event_id)
);
create index inbox_waiting_idx on inbox (source_id, id) where status = 'received';
