import axios, { isAxiosError } from 'axios';
import { readSecrets } from '#config/config.module.js';
import type { Settings } from '#config/domain/settings.js';
import { RouterError } from '#events/domain/router-error.js';

/** Calls the admin API of the instance that owns the data directory. */
export async function callAdmin<T>(
  settings: Settings,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const { environment } = settings;
  const { adminToken } = await readSecrets(environment.dataDir, environment);
  const host = environment.host.includes(':') ? `[${environment.host}]` : environment.host;
  try {
    const answer = await axios.request<T>({
      method,
      url: `http://${host}:${environment.port}/admin/v1${path}`,
      headers: { authorization: `Bearer ${adminToken ?? ''}` },
      timeout: 600_000,
      maxRedirects: 0,
      ...(method === 'POST' ? { data: body ?? {} } : {}),
    });
    return answer.data;
  } catch (error) {
    if (isAxiosError(error) && error.response !== undefined) {
      const told = (error.response.data as { error?: { message?: string } }).error?.message;
      throw new RouterError({
        code: 'internal',
        publicMessage: told ?? `the instance answered ${error.response.status}`,
      });
    }
    throw new RouterError({
      code: 'store_unavailable',
      publicMessage: `An instance owns this data directory but does not answer on port ${environment.port}.`,
      cause: error,
    });
  }
}
