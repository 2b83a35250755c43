// Starts Scalar on the committed document. What it would fetch from elsewhere is turned off: fonts, telemetry, the
// registry, the agent, and the proxy for requests; a test watches that the page asks nobody but us.
Scalar.createApiReference('#reference', {
  url: '../openapi/v1.json',
  withDefaultFonts: false,
  telemetry: false,
  showDeveloperTools: 'never',
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
  // A key that is typed in stays in this tab.
  persistAuth: false,
  authentication: { preferredSecurityScheme: 'key' },
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  defaultOpenFirstTag: true,
  documentDownloadType: 'json',
  operationTitleSource: 'summary',
  generateOperationSlug: ({ operationId }) => operationId,
});
