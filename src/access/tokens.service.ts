import { Inject, Injectable } from '@nestjs/common';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { DataSource } from 'typeorm';
import type { Config, JwtConfig } from '../config.js';
import { CLOCK, type Clock, CONFIG } from '../config.module.js';
import { Problem } from '../problems/problem.js';
import { ClientsRepository } from './clients.repository.js';
import { type Credential, Expired, unauthenticated } from './credential.js';
import { SCOPES, type Scope } from './principal.js';

/** Milliseconds for the identity provider to show its keys; they are then kept for ten minutes. */
const PATIENCE_MS = 3_000;
const LONGEST_ID = 128;

/** Tells a token by its looks: a JSON object in base64url, and two more parts. Keys have no full stop in them. */
export function isToken(bearer: string): boolean {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(bearer);
}

/** JWT bearer tokens of the customer's identity provider, where one is set up. They are made and withdrawn there. */
@Injectable()
export class Tokens {
  private readonly jwt: JwtConfig | undefined;
  private readonly keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  constructor(
    @Inject(CONFIG) { jwt }: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly dataSource: DataSource,
    private readonly repository: ClientsRepository,
  ) {
    this.jwt = jwt;
    this.keys = jwt && createRemoteJWKSet(new URL(jwt.jwksUrl), { timeoutDuration: PATIENCE_MS });
  }

  get accepted(): boolean {
    return this.jwt !== undefined;
  }

  /** Throws `unauthenticated` for what is not valid, and `unavailable` where the provider does not show its keys. */
  async identify(token: string): Promise<Credential> {
    const { jwt, keys } = this;
    if (!jwt || !keys) throw unauthenticated('Tokens are not accepted here: send an API key.');
    const payload = await verify(token, jwt, keys, this.clock());
    const [client, channel = null] = [payload[jwt.clientClaim], payload[jwt.channelClaim]];
    if (typeof client !== 'string' || (channel !== null && typeof channel !== 'string')) {
      throw unauthenticated(`The token must name a client in ${jwt.clientClaim}, and a channel in text or not at all.`);
    }
    const found = await this.repository.findCaller(this.dataSource.manager, client, channel);
    if (!found) {
      throw unauthenticated(
        `The token is of ${client}${channel === null ? '' : ` for ${channel}`}, which is not registered so.`,
      );
    }
    const subject = (payload.sub ?? client).replace(/[^\x21-\x7e]/g, '?').slice(0, LONGEST_ID);
    return {
      principal: { ...found.caller, keyId: `jwt:${subject}`, scopes: scopesIn(payload[jwt.scopeClaim]) },
      addresses: found.addresses,
      expiresAt: ((payload.exp as number) + jwt.clockToleranceSeconds) * 1_000,
    };
  }
}

async function verify(
  token: string,
  { issuer, audience, algorithms, clockToleranceSeconds }: JwtConfig,
  keys: ReturnType<typeof createRemoteJWKSet>,
  now: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      ...{ issuer, audience, algorithms: [...algorithms], clockTolerance: clockToleranceSeconds },
      ...{ currentDate: new Date(now), requiredClaims: ['exp'] },
    });
    return payload;
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw new Expired('The token has expired: get a new one.');
    if (cause instanceof errors.JWTClaimValidationFailed) {
      throw unauthenticated(`The token is not for this service: its ${cause.claim} is not what it must be.`);
    }
    if (isOfToken(cause))
      throw unauthenticated('The token is not signed by the identity provider, or not as it must be.');
    const detail = 'The identity provider does not show its keys. Repeat the request, or send an API key.';
    throw new Problem('unavailable', detail, { retryAfter: 5, cause });
  }
}

/** Faults of the token itself; all else is the provider's, or of the way to it. */
function isOfToken(cause: unknown): boolean {
  return [
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
  ].some((kind) => cause instanceof kind);
}

/** Text with spaces in between, or a list. What is no scope of ours is meant for somebody else. */
function scopesIn(claim: unknown): ReadonlySet<Scope> {
  const named = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return new Set(SCOPES.filter((scope) => named.includes(scope)));
}
