/** How to reach ClickHouse. Holds a secret. */
export interface ClickhouseConnection {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** `http://user:password@host:8123` in its parts; without a user it is ClickHouse's own `default`. */
export function clickhouseConnection(text: string): ClickhouseConnection {
  const url = new URL(text);
  const username = url.username === '' ? 'default' : decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  return { url: url.href.replace(/\/$/, ''), username, password };
}
