/** `demo-failing` answers 503 to everything: for seeing a failover. */
export const DEMO_MODELS: readonly string[] = ['demo-small', 'demo-large', 'demo-failing', 'demo-embed'];

export const DEMO_EMBED_DIMENSIONS = 256;
