-- What every new reservation paid for and nothing read: at 7,000 a second together a sixth of its cost in PostgreSQL.

-- up
drop index reservation_open_idx;
drop index movement_reservation_idx;
-- A look-up and a lock of the channel's one row for every reservation. Channels are never deleted, and the engine takes
-- them from a configuration whose revision it compares inside the same transaction.
alter table reservation drop constraint reservation_channel_fkey;

-- A position made for an adjustment that was then refused is taken back: nobody stocks the item there.
grant delete on position to holdfast_app;

-- down
revoke delete on position from holdfast_app;
alter table reservation add constraint reservation_channel_fkey foreign key (channel_id) references channel (id);
create index movement_reservation_idx on movement (reservation_id) where reservation_id is not null;
create index reservation_open_idx on reservation (id) where status in ('held', 'committed', 'partially_shipped');
