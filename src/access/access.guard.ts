import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { REQUIRED_SCOPE } from './endpoint.decorator.js';
import { KeyRing, unauthenticated } from './key-ring.service.js';
import { Principal, requireScope, Scope } from './principal.js';

/** Finds out who calls and whether the key may: on every route, before anything of the request is looked at. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keyRing: KeyRing,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scope = this.reflector.get<Scope | readonly Scope[] | null | undefined>(REQUIRED_SCOPE, context.getHandler());
    if (scope === null) return true;
    if (scope === undefined) throw new Error(`${context.getHandler().name} does not say which scope it needs.`);
    const request = context.switchToHttp().getRequest<FastifyRequest & { principal?: Principal }>();
    const principal = await this.keyRing.identify(bearer(request.headers.authorization));
    requireScope(principal, ...[scope].flat());
    request.principal = principal;
    return true;
  }
}

function bearer(header: string | undefined): string {
  const key = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (!key) throw unauthenticated('Send Authorization: Bearer <key>.');
  return key;
}
