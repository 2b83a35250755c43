import { Module } from '@nestjs/common';
import { AvailabilityModule } from '../availability/availability.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { StockModule } from '../stock/stock.module.js';
import { ExpiryWorker } from './expiry.worker.js';
import { ReservationBook } from './reservation.session.js';
import { ReservationsController } from './reservations.controller.js';
import { ReservationsRepository } from './reservations.repository.js';
import { ReservationsService } from './reservations.service.js';

@Module({
  imports: [AvailabilityModule, ChannelsModule, StockModule],
  controllers: [ReservationsController],
  providers: [ReservationsService, ReservationsRepository, ReservationBook, ExpiryWorker],
  exports: [ReservationBook, ReservationsRepository],
})
export class ReservationsModule {}
