import type { EmbedderSettings, Settings } from './settings.js';

/** Who is paid for embedding questions; `null` = nobody: look-ups by meaning are off, or the builtin embedder serves them. */
export const remoteEmbedder = ({ cache }: Settings): EmbedderSettings | null =>
  cache.semantic.enabled ? cache.semantic.embedder : null;
