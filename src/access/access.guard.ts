import { CanActivate, ExecutionContext, Injectable, RequestMethod, type Type } from '@nestjs/common';
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
import { type Headed, RateLimits } from './rate-limits.service.js';
import { workOf } from './work.js';

/** What the guard leaves on a request: who calls what. */
export interface Identified {
  principal?: Principal;
  operation?: string;
}

/** A request that has met the guard. */
export type IdentifiedRequest = FastifyRequest & Identified;

/** What a route says of itself, read once. */
export interface GuardedRoute {
  readonly operation: string;
  /** null: anyone may call it. */
  readonly scopes: readonly Scope[] | null;
  readonly audited: boolean;
  readonly onlyReads: boolean;
}

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Finds out who calls and whether the key may: on every route, before anything of the request is looked at. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly routes = new WeakMap<object, GuardedRoute>();

  constructor(
    private readonly reflector: Reflector,
    private readonly keyRing: KeyRing,
    private readonly rateLimits: RateLimits,
  ) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    const http = context.switchToHttp();
    const request = http.getRequest<IdentifiedRequest>();
    // Admitted on the hot way (src/hot-way.ts), and sent on from there to be explained: nobody is charged twice.
    if (request.principal !== undefined) return true;
    const route = this.routeOf(context.getClass(), context.getHandler());
    const admitted = this.admit(request, http.getResponse<FastifyReply>(), route);
    return admitted === undefined ? true : admitted.then(() => true);
  }

  /**
   * Lets the request in, with `principal` and `operation` on it, or throws. Not a promise where nobody needs to be asked.
   * To be called once a request: it charges the limits.
   */
  admit(request: IdentifiedRequest, reply: FastifyReply, route: GuardedRoute): void | Promise<void> {
    if (route.scopes === null) return;
    const key = bearer(request.headers.authorization);
    const known = this.keyRing.recall(key);
    if (known) return this.enter(request, reply, known, route);
    return this.keyRing.identify(key, request.ip).then((found) => this.enter(request, reply, found, route));
  }

  /** Who calls, where nobody needs to be asked, nor where the call comes from; undefined: `admit` finds out, or says why not. */
  atHand(authorization: string | undefined): Principal | undefined {
    const key = BEARER.exec(authorization ?? '')?.[1];
    const known = key === undefined ? undefined : this.keyRing.atHand(key);
    return known?.addresses === null ? known.principal : undefined;
  }

  /** What the method of a controller says of itself. */
  routeOf(controller: Type, handler: Handler): GuardedRoute {
    return this.routes.get(handler) ?? this.read(controller, handler);
  }

  /**
   * Charges the limits of a request whose caller is known, and looks whether it may. Throws `rate_limited` and
   * `scope_required`. Not a promise where nobody needs to be asked.
   */
  charge(
    request: Identified & { readonly body?: unknown },
    reply: Headed,
    principal: Principal,
    route: GuardedRoute,
  ): void | Promise<void> {
    request.operation = route.operation;
    request.principal = principal;
    const limits = this.rateLimits.limitsOf(principal);
    if (limits === null) return requireScopeOf(route, principal);
    // Before the scope: who may not is not to ask without end either, and is told what is left.
    const cost = workOf(request.body, !route.onlyReads, principal.limits.locations);
    const charged = this.rateLimits.charge(limits, principal, cost, reply);
    return charged === undefined
      ? requireScopeOf(route, principal)
      : charged.then(() => requireScopeOf(route, principal));
  }

  private enter(
    request: IdentifiedRequest,
    reply: FastifyReply,
    { principal, addresses }: Credential,
    route: GuardedRoute,
  ): void | Promise<void> {
    if (addresses !== null && !isAmong(addresses, request.ip)) {
      Object.assign(request, { principal, operation: route.operation });
      throw new Problem('address_forbidden', `The keys of ${principal.clientCode} may not be used from ${request.ip}.`);
    }
    const caller = route.audited ? { ...principal, origin: originOf(request, route.operation) } : principal;
    return this.charge(request, reply, caller, route);
  }

  private read(controller: Type, handler: Handler): GuardedRoute {
    const scope = this.reflector.get<Scope | readonly Scope[] | null | undefined>(REQUIRED_SCOPE, handler);
    if (scope === undefined) throw new Error(`${handler.name} does not say which scope it needs.`);
    const route = {
      operation: operationId(controller.name, handler.name),
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

function requireScopeOf({ scopes }: GuardedRoute, principal: Principal): void {
  requireScope(principal, ...(scopes as readonly Scope[]));
}

function originOf({ id, ip }: FastifyRequest, operation: string) {
  return { operation, requestId: id, address: ip };
}

const BEARER = /^Bearer +(\S+)$/i;

function bearer(header: string | undefined): string {
  const key = BEARER.exec(header ?? '')?.[1];
  if (!key) throw unauthenticated('Send Authorization: Bearer <key>.');
  return key;
}
