-- A change of an item is told as a change of its stock is: by a notice in the same transaction. Who was killed between its commit
-- and its word left the copies of other processes as they were.

-- up
set local lock_timeout = '5s';
alter table outbox alter column location_id drop not null;
comment on column outbox.location_id is 'null: of the item itself, its units or a channel''s rules; the version is its revision.';

-- down
set local lock_timeout = '5s';
delete from outbox where location_id is null;
alter table outbox alter column location_id set not null;
comment on column outbox.location_id is null;
