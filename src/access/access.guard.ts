import { CanActivate, ExecutionContext, Injectable, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.js';
import { isAmong } from './addresses.js';
import { type Credential, unauthenticated } from './credential.js';
import { AUDITED, ONLY_READS, REQUIRED_SCOPE } from './endpoint.decorator.js';
import { KeyRing } from './key-ring.service.js';
import { operationId } from './operation.js';
import { Principal, requireScope, Scope } from './principal.js';
import { RateLimits } from './rate-limits.service.js';
import { workOf } from './work.js';

/** A request that has met the guard. */
export type IdentifiedRequest = FastifyRequest & { principal?: Principal; operation?: string };

/** What a route says of itself, read once. */
interface Route {
  readonly operation: string;
  /** null: anyone may call it. */
  readonly scopes: readonly Scope[] | null;
  readonly audited: boolean;
  readonly onlyReads: boolean;
}

/** Finds out who calls and whether the key may: on every route, before anything of the request is looked at. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly routes = new WeakMap<object, Route>();

  constructor(
    private readonly reflector: Reflector,
    private readonly keyRing: KeyRing,
    private readonly rateLimits: RateLimits,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const route = this.routes.get(context.getHandler()) ?? this.read(context);
    if (route.scopes === null) return true;
    const request = context.switchToHttp().getRequest<IdentifiedRequest>();
    const key = bearer(request.headers.authorization);
    const known = this.keyRing.recall(key);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    if (known) return this.admit(request, reply, known, route);
    return this.keyRing.identify(key, request.ip).then((found) => this.admit(request, reply, found, route));
  }

  private admit(
    request: IdentifiedRequest,
    reply: FastifyReply,
    credential: Credential,
    route: Route,
  ): boolean | Promise<boolean> {
    const principal = enter(request, credential, route);
    const limits = this.rateLimits.limitsOf(principal);
    if (limits === null) return mayCall(principal, route);
    // Before the scope: who may not is not to ask without end either, and is told what is left.
    const cost = workOf(request.body, !route.onlyReads, principal.limits.locations);
    const charged = this.rateLimits.charge(limits, principal, cost, reply);
    return charged === undefined ? mayCall(principal, route) : charged.then(() => mayCall(principal, route));
  }

  private read(context: ExecutionContext): Route {
    const handler = context.getHandler();
    const scope = this.reflector.get<Scope | readonly Scope[] | null | undefined>(REQUIRED_SCOPE, handler);
    if (scope === undefined) throw new Error(`${handler.name} does not say which scope it needs.`);
    const route = {
      operation: operationId(context.getClass().name, handler.name),
      scopes: scope === null ? null : ([scope].flat() as Scope[]),
      audited: this.reflector.get<boolean | undefined>(AUDITED, handler) === true,
      onlyReads:
        this.reflector.get<boolean | undefined>(ONLY_READS, handler) === true ||
        this.reflector.get<RequestMethod>(METHOD_METADATA, handler) === RequestMethod.GET,
    };
    this.routes.set(handler, route);
    return route;
  }
}

function enter(request: IdentifiedRequest, { principal, addresses }: Credential, route: Route): Principal {
  request.operation = route.operation;
  request.principal = route.audited ? { ...principal, origin: originOf(request, route.operation) } : principal;
  if (addresses !== null && !isAmong(addresses, request.ip)) {
    throw new Problem('address_forbidden', `The keys of ${principal.clientCode} may not be used from ${request.ip}.`);
  }
  return principal;
}

function mayCall(principal: Principal, route: Route): true {
  requireScope(principal, ...(route.scopes as readonly Scope[]));
  return true;
}

function originOf({ id, ip }: FastifyRequest, operation: string) {
  return { operation, requestId: id, address: ip };
}

function bearer(header: string | undefined): string {
  const key = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (!key) throw unauthenticated('Send Authorization: Bearer <key>.');
  return key;
}
