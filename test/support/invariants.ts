import pg from 'pg';

/** Each lists the rows that break it. */
const INVARIANTS: Readonly<Record<string, string>> = {
  'on hand, reserved and unsellable are the sums of the movements': `
    select p.item_id, p.location_id, p.on_hand, p.reserved, to_jsonb(m) as movements
      from position p
      left join lateral (
        select coalesce(sum(on_hand_delta), 0) as on_hand, coalesce(sum(reserved_delta), 0) as reserved,
               coalesce(sum(unsellable_delta) filter (where condition = 'damaged'), 0) as damaged,
               coalesce(sum(unsellable_delta) filter (where condition = 'quarantined'), 0) as quarantined,
               coalesce(sum(unsellable_delta) filter (where condition = 'recalled'), 0) as recalled,
               coalesce(sum(unsellable_delta) filter (where condition = 'expired'), 0) as expired,
               coalesce(sum(unsellable_delta) filter (where condition = 'inspection'), 0) as inspection
          from movement where item_id = p.item_id and location_id = p.location_id
      ) m on true
     where (p.on_hand, p.reserved, p.damaged, p.quarantined, p.recalled, p.expired, p.inspection)
           is distinct from (m.on_hand, m.reserved, m.damaged, m.quarantined, m.recalled, m.expired, m.inspection)`,

  'reserved is the sum of the allocations': `
    select item_id, location_id, coalesce(p.reserved, 0) as reserved, coalesce(a.quantity, 0) as allocated
      from position p
      full join (select item_id, location_id, sum(quantity) as quantity
                   from reservation_allocation group by item_id, location_id) a using (item_id, location_id)
     where coalesce(p.reserved, 0) <> coalesce(a.quantity, 0)`,

  'movement versions of a position are 1 to its version without a gap': `
    select item_id, location_id, coalesce(p.version, 0) as version, m.first, m.last, coalesce(m.count, 0) as count
      from position p
      full join (select item_id, location_id, min(version) as first, max(version) as last, count(*) as count
                   from movement group by item_id, location_id) m using (item_id, location_id)
     where p.item_id is null
        or p.version <> coalesce(m.count, 0)
        or (m.count > 0 and (m.first <> 1 or m.last <> m.count))`,

  'no figure is below zero, and no more is unsellable than is on hand': `
    select item_id, location_id, to_jsonb(p) as position
      from position p
     where least(on_hand, reserved, incoming, damaged, quarantined, recalled, expired, inspection, safety_stock) < 0
        or damaged + quarantined + recalled + expired + inspection > on_hand`,

  'an open line of a tracked item is reserved by its allocations, any other line by none': `
    select l.reservation_id, l.line, r.status, l.tracked, l.reserved, coalesce(a.quantity, 0) as allocated
      from reservation_line l
      join reservation r on r.id = l.reservation_id
      left join lateral (select sum(quantity) as quantity from reservation_allocation
                          where reservation_id = l.reservation_id and line = l.line) a on true
     where coalesce(a.quantity, 0) <> case
       when l.tracked and r.status in ('held', 'committed', 'partially_shipped') then l.reserved else 0 end`,

  'an allocation has a line of its item': `
    select a.reservation_id, a.line, a.item_id
      from reservation_allocation a
      left join reservation_line l using (reservation_id, line)
     where l.item_id is distinct from a.item_id`,

  'nothing is reserved any more by what has ended': `
    select r.id, r.status, l.line, l.reserved
      from reservation r
      join reservation_line l on l.reservation_id = r.id
     where r.status in ('released', 'expired', 'cancelled', 'shipped') and l.reserved <> 0`,

  'an allocation expires with its hold, and of a commitment never': `
    select a.reservation_id, a.line, r.status, a.expires_at, r.expires_at as hold_expires_at
      from reservation_allocation a
      join reservation r on r.id = a.reservation_id
     where a.expires_at is distinct from case when r.status = 'held' then r.expires_at end`,

  'a position looks for expired holds no later than the first expires': `
    select p.item_id, p.location_id, p.next_expiry, a.expires_at
      from position p
      join (select item_id, location_id, min(expires_at) as expires_at
              from reservation_allocation group by item_id, location_id) a using (item_id, location_id)
     where a.expires_at is not null and (p.next_expiry is null or p.next_expiry > a.expires_at)`,

  'incoming is what is announced and not yet received': `
    select p.item_id, p.location_id, p.incoming, s.open
      from position p
      left join lateral (select coalesce(sum(greatest(quantity - received, 0)), 0) as open from supply
                          where item_id = p.item_id and location_id = p.location_id and status <> 'cancelled') s on true
     where p.incoming <> s.open`,

  'an event either waits or has one final state': `
    select i.id, i.status, w.turn
      from event i
      left join inbox_waiting w on w.source_id = i.source_id and w.turn = i.turn
     where (w.turn is not null) <> (i.status = 'received')`,

  'a parked event has an open exception, and no other event waits': `
    select i.id, i.status
      from event i
     where i.status = 'parked'
       and not exists (select from exception e where e.inbox_id = i.id and e.status = 'open')`,

  'a reservation has its lines, and each of its steps': `
    select r.id, r.status
      from reservation r
     where not exists (select from reservation_line l where l.reservation_id = r.id)
        or (select count(*) = 0 or min(step) <> 1 or max(step) <> count(*)
              from reservation_step s where s.reservation_id = r.id)`,
};

/** Checks the invariants of semantics.md on whatever the database holds now. Fails with the rows that break them. */
export async function expectInvariants(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const broken: Record<string, unknown[]> = {};
  try {
    // One moment for all of them: a service may be at work meanwhile.
    await client.query('begin isolation level repeatable read read only');
    for (const [rule, sql] of Object.entries(INVARIANTS)) {
      const { rows } = await client.query(`${sql} limit 10`);
      if (rows.length > 0) broken[rule] = rows;
    }
    await client.query('commit');
  } finally {
    await client.end();
  }
  expect(broken).toEqual({});
}
