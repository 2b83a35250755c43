import 'reflect-metadata';
import { Body, ConflictException, Controller, HttpCode, Module, Post, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Type } from 'class-transformer';
import { IsInt, IsString, Min, ValidateNested } from 'class-validator';
import { Column, DataSource, Entity, ManyToOne, OneToMany, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/**
 * What is usually written, in a process of its own: an ORM, the row locked with `SELECT … FOR UPDATE`, one transaction a
 * request, on a pool of ten connections. The address of its database is its command line. It keeps less than the service
 * (no movements, no idempotency, no allocations), asks nobody who calls, and is sent the same requests.
 */

@Entity()
class Stock {
  @PrimaryColumn()
  sku: string;

  @Column('bigint', { transformer: { from: Number, to: String } })
  onHand: number;

  @Column('bigint', { transformer: { from: Number, to: String } })
  reserved: number;
}

@Entity()
class Reservation {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column()
  channel: string;

  @Column('timestamptz')
  expiresAt: Date;

  @OneToMany(
    () => ReservationLine,
    (line) => line.reservation,
    { cascade: true },
  )
  lines: ReservationLine[];
}

@Entity()
class ReservationLine {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @ManyToOne(
    () => Reservation,
    (reservation) => reservation.lines,
  )
  reservation: Reservation;

  @Column()
  sku: string;

  @Column('bigint', { transformer: { from: Number, to: String } })
  quantity: number;
}

class Line {
  @IsString()
  sku: string;

  @IsInt()
  @Min(1)
  quantity: number;
}

class Reserve {
  @IsString()
  channel: string;

  @ValidateNested({ each: true })
  @Type(() => Line)
  lines: Line[];
}

const database = new DataSource({
  type: 'postgres',
  url: process.argv[2],
  entities: [Stock, Reservation, ReservationLine],
  synchronize: true,
  poolSize: 10,
});

@Controller('v1/reservations')
class ReservationsController {
  @Post()
  @HttpCode(201)
  async reserve(@Body() { channel, lines }: Reserve) {
    return database.transaction(async (manager) => {
      for (const { sku, quantity } of lines) {
        const stock = await manager.findOne(Stock, { where: { sku }, lock: { mode: 'pessimistic_write' } });
        if (!stock || stock.onHand - stock.reserved < quantity) throw new ConflictException('insufficient_stock');
        stock.reserved += quantity;
        await manager.save(stock);
      }
      const expiresAt = new Date(Date.now() + 900_000);
      const { id } = await manager.save(manager.create(Reservation, { channel, expiresAt, lines }));
      return { id, status: 'held', lines };
    });
  }
}

@Module({ controllers: [ReservationsController] })
class NaiveModule {}

await database.initialize();
await database
  .createQueryBuilder()
  .insert()
  .into(Stock)
  .values({ sku: 'SKU-000001', onHand: 1_000_000_000, reserved: 0 })
  .orIgnore()
  .execute();
const app = await NestFactory.create<NestFastifyApplication>(NaiveModule, new FastifyAdapter(), { logger: false });
app.useGlobalPipes(new ValidationPipe({ transform: true }));
await app.listen(0, '127.0.0.1');
process.send?.(app.getHttpServer().address());
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; who started us tells us when to end
