-- Bulk imports: what was sent, how far it is applied, and the rows that could not be.

-- up
create table import (
  id text collate "C" not null,
  turn bigint generated always as identity,
  client_id text collate "C" not null,
  key_id text not null,
  kind text not null,
  format text not null,
  atomic boolean not null,
  columns text[],
  status text not null default 'queued',
  reached_byte bigint not null,
  reached_line bigint not null,
  rows bigint not null default 0,
  applied bigint not null default 0,
  unchanged bigint not null default 0,
  failed bigint not null default 0,
  problem jsonb,
  lease text,
  leased_until timestamptz,
  attempts smallint not null default 0,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  constraint import_pkey primary key (id),
  constraint import_turn_key unique (turn),
  constraint import_client_fkey foreign key (client_id) references client (id),
  constraint import_kind_check check (kind in ('items', 'locations', 'levels')),
  constraint import_format_check check (format in ('csv', 'ndjson')),
  constraint import_status_check check (status in ('queued', 'running', 'done', 'failed')),
  constraint import_counts_check check (applied + failed <= rows and unchanged between 0 and applied)
);
create index import_open_idx on import (client_id, turn) where status in ('queued', 'running');
comment on column import.turn is 'The imports of one client are applied in the order in which they were accepted.';
comment on column import.columns is 'The header of a CSV; null: each row names its fields.';
comment on column import.reached_byte is 'Where the first row that is not yet accounted for begins, in bytes from the start; reached_line: the line before it.';
comment on column import.applied is 'Rows that hold now, unchanged ones included.';
comment on column import.lease is 'Names the worker at work. Whoever writes progress must still have it.';
comment on column import.attempts is 'How often it was taken up since it last moved on.';

-- What was sent, in pieces of one size but for the last. Kept from before the import is accepted until it is finished;
-- no foreign key, because the pieces come first.
create table import_chunk (
  import_id text collate "C" not null,
  seq integer not null,
  bytes bytea not null,
  created_at timestamptz not null,
  constraint import_chunk_pkey primary key (import_id, seq)
);

create table import_failure (
  import_id text collate "C" not null,
  line bigint not null,
  code text not null,
  detail text not null,
  pointer text,
  constraint import_failure_pkey primary key (import_id, line),
  constraint import_failure_import_fkey foreign key (import_id) references import (id) on delete cascade
);
comment on column import_failure.line is 'As an editor counts the lines of the file, from 1; of a row of several lines the first.';

grant select, insert, update, delete on import, import_chunk, import_failure to holdfast_app;

-- down
drop table import_failure, import_chunk, import;
