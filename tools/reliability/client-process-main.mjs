// Runs the real clients in a process of its own, without the conditions of a test runner: their packages are taken as
// users get them. A message { n, name, baseUrl, key, how, question } is answered by { n, told } or { n, error, status }.
import '../typescript-hooks.mjs';

const { aiSdkClient, langChainClient, openAiClient, openAiIterator } = await import('./real-clients.ts');
const OPEN = {
  openai: openAiClient,
  'openai, iterated': openAiIterator,
  'AI SDK': aiSdkClient,
  LangChain: langChainClient,
};
const clients = new Map();

process.on('message', async ({ n, name, baseUrl, key, how, question }) => {
  const at = `${name} ${baseUrl}`;
  if (!clients.has(at)) clients.set(at, OPEN[name](baseUrl, key));
  try {
    process.send({ n, told: await clients.get(at)[how](question) });
  } catch (error) {
    process.send({ n, error: String(error?.message ?? error), status: error?.status ?? error?.statusCode ?? null });
  }
});
process.on('disconnect', () => process.exit(0));
process.on('unhandledRejection', () => undefined);
process.send({ ready: true });
