import { describe, expect, it } from 'vitest';
import { clickhouseConnection } from './clickhouse-connection.js';

describe('the address of ClickHouse', () => {
  it('carries user and password, percent-encoded, which do not stay in the URL', () => {
    const connection = clickhouseConnection('http://next%40model:p%2Fw@db.example:8123/');

    expect(connection).toEqual({ url: 'http://db.example:8123', username: 'next@model', password: 'p/w' });
  });

  it('without a user is that of the user `default` without a password', () => {
    const connection = clickhouseConnection('http://db.example:8123');

    expect(connection).toEqual({ url: 'http://db.example:8123', username: 'default', password: '' });
  });
});
