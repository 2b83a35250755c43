-- Looks whether what is there keeps the CHECKs of the migration before. Reads the tables once, while they are read and written.

-- up
alter table position validate constraint position_figures_check;
alter table movement validate constraint movement_condition_check;
alter table reservation validate constraint reservation_status_check;
alter table reservation_line validate constraint reservation_line_figures_check;
alter table reservation_allocation validate constraint reservation_allocation_quantity_check;

-- down
do $$
declare
  looked_at record;
begin
  for looked_at in
    select conrelid::regclass as at, conname as name, pg_get_constraintdef(oid) as says
      from pg_constraint
     where conname in (
       'position_figures_check', 'movement_condition_check', 'reservation_status_check',
       'reservation_line_figures_check', 'reservation_allocation_quantity_check'
     )
  loop
    execute format(
      'alter table %1$s drop constraint %2$I, add constraint %2$I %3$s not valid',
      looked_at.at, looked_at.name, looked_at.says
    );
  end loop;
end $$;
