import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import { ApiExtension } from '@nestjs/swagger';

export interface Deprecation {
  /** The day it was deprecated, `2026-12-01`, in UTC. */
  readonly since: string;
  /** The day from which it may be gone, at least 365 days later (docs/guide/versioning.md). */
  readonly sunset: string;
  /** Where it is said what to use instead. */
  readonly link: string;
}

/** What a deprecated route leaves in Fastify's route options. */
export interface DeprecatedRoute {
  readonly deprecated?: Readonly<Record<string, string>>;
}

/**
 * Says of a route that it will go: `Deprecation`, `Sunset` and `Link` on all its answers, `deprecated` and `x-sunset` in
 * the document, and its use counted by client. Throws for days that are none, or that leave clients less than a year.
 */
export function Deprecated({ since, sunset, link }: Deprecation): MethodDecorator {
  const days = (dayOf(sunset).getTime() - dayOf(since).getTime()) / 86_400_000;
  if (days < 365) throw new Error(`A deprecated route stays 365 days or more: ${since} to ${sunset} is ${days}.`);
  return applyDecorators(
    ApiExtension('x-deprecation', { since, sunset, link }),
    routeConfig({ deprecated: deprecationHeaders({ since, sunset, link }) }),
  );
}

/** RFC 9745 (a date as seconds since 1970), RFC 8594 (an HTTP date), and where to read on. */
export function deprecationHeaders({ since, sunset, link }: Deprecation): Record<string, string> {
  return {
    Deprecation: `@${dayOf(since).getTime() / 1_000}`,
    Sunset: dayOf(sunset).toUTCString(),
    Link: `<${link}>; rel="deprecation"; type="text/html"`,
  };
}

/** Adds to what other decorators of the route have left for Fastify. */
export function routeConfig(part: object): MethodDecorator {
  return (target, name, descriptor) => {
    const said = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object) ?? {};
    RouteConfig({ ...said, ...part })(target, name, descriptor);
  };
}

function dayOf(text: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(day.getTime())) return day;
  throw new Error(`"${text}" is not a day such as 2026-12-01.`);
}
