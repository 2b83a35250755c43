-- The same rules, said shorter. PostgreSQL keeps a CHECK as text, and reads it anew for every statement that writes to the
-- table: for a batch of one reservation that was a quarter of what it cost there, 260 of 1,100 microseconds.
-- '0' and not 0, which would be kept as a number to be converted. (NaN passes some of them that did not; the engine has none.)
--
-- They hold for what is written from here on, so nothing has to be read while the tables are locked; the next migration
-- looks at what was there. A table that somebody reads for long is not waited for, as all others would wait behind: then
-- this fails, and is tried at the next start.

-- up
set local lock_timeout = '5s';
alter table position
  drop constraint position_on_hand_check,
  drop constraint position_reserved_check,
  drop constraint position_unsellable_check,
  drop constraint position_incoming_check,
  drop constraint position_safety_stock_check,
  -- That on hand is not negative follows: no condition is, and they are part of it.
  add constraint position_figures_check check (
    least(
      on_hand - damaged - quarantined - recalled - expired - inspection,
      damaged, quarantined, recalled, expired, inspection,
      reserved, incoming, safety_stock
    ) >= '0'
  ) not valid;
alter table movement
  drop constraint movement_condition_check,
  -- Where there is no condition the second part is unknown, which is not a violation.
  add constraint movement_condition_check check (
    (unsellable_delta = '0' or condition is not null)
    and condition = any ('{damaged,quarantined,recalled,expired,inspection}'::text[])
  ) not valid;
alter table reservation
  drop constraint reservation_status_check,
  drop constraint reservation_expiry_check,
  add constraint reservation_status_check check (
    status = any ('{held,committed,partially_shipped,shipped,released,expired,cancelled}'::text[])
    and (status <> 'held' or expires_at is not null)
  ) not valid;
alter table reservation_line
  drop constraint reservation_line_figures_check,
  add constraint reservation_line_figures_check check (least(committed, shipped, reserved) >= '0') not valid;
alter table reservation_allocation
  drop constraint reservation_allocation_quantity_check,
  add constraint reservation_allocation_quantity_check check (
    quantity > '0' and least(backordered, quantity - backordered) >= '0'
  ) not valid;

-- down
alter table reservation_allocation
  drop constraint reservation_allocation_quantity_check,
  add constraint reservation_allocation_quantity_check check (quantity > 0 and backordered between 0 and quantity);
alter table reservation_line
  drop constraint reservation_line_figures_check,
  add constraint reservation_line_figures_check check (committed >= 0 and shipped >= 0 and reserved >= 0);
alter table reservation
  drop constraint reservation_status_check,
  add constraint reservation_status_check check (
    status in ('held', 'committed', 'partially_shipped', 'shipped', 'released', 'expired', 'cancelled')
  ),
  add constraint reservation_expiry_check check (status <> 'held' or expires_at is not null);
alter table movement
  drop constraint movement_condition_check,
  add constraint movement_condition_check check (
    (unsellable_delta = 0 or condition is not null)
    and (condition is null or condition in ('damaged', 'quarantined', 'recalled', 'expired', 'inspection'))
  );
alter table position
  drop constraint position_figures_check,
  add constraint position_on_hand_check check (on_hand >= 0),
  add constraint position_reserved_check check (reserved >= 0),
  add constraint position_unsellable_check check (
    damaged >= 0 and quarantined >= 0 and recalled >= 0 and expired >= 0 and inspection >= 0
    and damaged + quarantined + recalled + expired + inspection <= on_hand
  ),
  add constraint position_incoming_check check (incoming >= 0),
  add constraint position_safety_stock_check check (safety_stock >= 0);
