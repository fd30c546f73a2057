/** The configuration of the demo: the builtin provider alone, with a target that always fails in front of one alias. */
export const DEMO_CONFIG = `
providers:
  demo: { kind: demo, api_key: none }
models:
  cheap:     { targets: [ { provider: demo, model: demo-small } ] }
  smart:     { targets: [ { provider: demo, model: demo-large } ] }
  resilient: { targets: [ { provider: demo, model: demo-failing }, { provider: demo, model: demo-small } ] }
routing:
  auto: { weak: cheap, strong: smart, classifier: builtin, strong_share: 0.3, abstain: smart }
cache: { exact: true, semantic: { enabled: true, max_error: 0.01 }, ttl_s: 3600 }
`;
