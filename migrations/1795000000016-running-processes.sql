-- Where Redis is away, each process lets its share of a limit pass; so each must know how many there are.

-- up
create table running_process (
  id uuid not null,
  seen_at timestamptz not null,
  constraint running_process_pkey primary key (id)
);
comment on table running_process is 'Who runs: each process says so every few seconds, and takes its row away when it ends.';

grant select, insert, update, delete on running_process to holdfast_app;

-- down
drop table running_process;
