import type { Standalone } from '../../standalone/src/standalone.js';

/** What a person sees when it has started: where it is, the key once, and what to do next. */
export function startBanner(standalone: Standalone, tookMs: number): string {
  const { baseUrl, sqlUrl, sqlProblem, directory, settings, recoveredReceipts } = standalone;
  const { apiKey, adminToken, sqlPassword } = directory.secrets;
  const key = apiKey.madeNow ? apiKey.value : '$NEXTMODEL_API_KEY';
  const model =
    'auto' in settings.models || settings.routing.auto !== null
      ? 'auto'
      : (Object.keys(settings.models)[0] ?? 'demo-small');
  const providers = Object.entries(settings.providers).map(([name, provider]) =>
    name === provider.kind ? name : `${name} (${provider.kind})`,
  );
  const lines = [
    '',
    `  NextModel is ready after ${Math.round(tookMs)} ms.`,
    '',
    `  Base URL     ${baseUrl}`,
    `  API key      ${apiKey.madeNow ? `${apiKey.value}   (shown once; kept in ${directory.path}/secrets)` : `as before, in ${directory.path}/secrets or NEXTMODEL_API_KEY`}`,
    ...(adminToken.madeNow ? [`  Admin token  kept in ${directory.path}/secrets/admin-token`] : []),
    `  Providers    ${providers.join(', ')}`,
    sqlUrl === null
      ? `  SQL          not available: ${sqlProblem ?? 'no engine'}`
      : `  SQL          ${sqlUrl} (ClickHouse HTTP), user audit, password ${sqlPassword.madeNow ? sqlPassword.value : `in ${directory.path}/secrets/sql-password`}`,
    ...(recoveredReceipts > 0
      ? [`  Recovered    ${recoveredReceipts} receipt(s) of requests that the last run did not finish`]
      : []),
    '',
    '  Try it:',
    '',
    `    curl ${baseUrl}/chat/completions -H "authorization: Bearer ${key}" -H "content-type: application/json" \\`,
    `      -d '{"model":"${model}","messages":[{"role":"user","content":"Say hello."}]}'`,
    '',
    '    import OpenAI from "openai";',
    `    const client = new OpenAI({ baseURL: "${baseUrl}", apiKey: "${key}" });`,
    '',
    ...(sqlUrl === null ? [] : ['  Then: npx nextmodel audit   ·   npx nextmodel keys create team-a', '']),
  ];
  return `${lines.join('\n')}\n`;
}
