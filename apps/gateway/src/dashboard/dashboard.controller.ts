import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouterError } from '#events/domain/router-error.js';
import { loadPageFiles, type PageFile } from './page-files.js';

interface Reply {
  code(status: number): Reply;
  headers(values: Readonly<Record<string, string>>): Reply;
  send(body?: string): void;
}
interface Asked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Scripts and styles of this origin only, nothing inline, no text that becomes markup, no frame around it. */
const SAFETY: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-cache',
};
const PREFIX = '/dashboard/';

/** The page for auditors: static files, the same for everybody. What it shows it gets with the visitor's own key. */
@Controller()
export class DashboardController {
  #files: Promise<ReadonlyMap<string, PageFile>> | null = null;

  @Get('dashboard')
  redirect(@Req() { url }: Asked, @Res() reply: Reply): void {
    if (url.split('?')[0]?.endsWith('/') === true) void this.#show('index.html', undefined, reply);
    else
      reply
        .code(308)
        .headers({ ...SAFETY, location: 'dashboard/' })
        .send('');
  }

  @Get('dashboard/*')
  async file(@Req() { url, headers }: Asked, @Res() reply: Reply): Promise<void> {
    const path = (url.split('?')[0] ?? '').slice(PREFIX.length);
    await this.#show(path === '' ? 'index.html' : path, headers['if-none-match'], reply);
  }

  async #show(path: string, known: string | undefined, reply: Reply): Promise<void> {
    this.#files ??= loadPageFiles();
    const file = (await this.#files).get(path);
    if (file === undefined) {
      throw new RouterError({ code: 'not_found', publicMessage: 'This page does not exist.', httpStatus: 404 });
    }
    const { type, etag, body } = file;
    if (known === etag)
      reply
        .code(304)
        .headers({ ...SAFETY, etag })
        .send();
    else reply.headers({ ...SAFETY, 'content-type': type, etag }).send(body);
  }
}
