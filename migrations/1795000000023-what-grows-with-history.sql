-- So that a request costs the same behind a million reservations as behind none; docs/decisions/0025 has the figures.

-- up
-- The oldest 10,000 keys of 600,000: 299 ms by block ranges, which know only where they may be, 37 ms by a B-tree.
drop index idempotency_key_created_idx;
create index idempotency_key_created_idx on idempotency_key (created_at);
alter table idempotency_key set (autovacuum_vacuum_scale_factor = 0.02);

-- Most are shipped in the end, and those stand among the newest of all.
create index reservation_status_idx on reservation (status, id) where status <> 'shipped';
-- Whether somebody still waits for an item that is not counted; for those that are, reservation_allocation says so.
create index reservation_line_untracked_idx on reservation_line (item_id) where reserved > 0 and not tracked;

-- down
drop index reservation_line_untracked_idx;
drop index reservation_status_idx;
alter table idempotency_key reset (autovacuum_vacuum_scale_factor);
drop index idempotency_key_created_idx;
create index idempotency_key_created_idx on idempotency_key using brin (created_at);
