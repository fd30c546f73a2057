import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScriptStep } from '../adapters/scripted/scripted-transport.js';

/** Plays the steps of the scripted transport as a real HTTP server. */
export async function startStepServer(steps: readonly ScriptStep[]) {
  const seen: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = [];
  let aborted = false;
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const part of req) body += String(part);
    seen.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers, body });
    res.on('close', () => {
      aborted ||= !res.writableFinished && !failing;
    });
    let failing = false;
    for (const step of steps) {
      if (res.destroyed || step.do === 'hang') return;
      if (step.do === 'wait') await sleep(step.ms);
      else if (step.do === 'headers') {
        res.writeHead(step.status, step.headers as Record<string, string>).flushHeaders();
      } else if (step.do === 'data') res.write(step.bytes);
      else if (step.do === 'end') res.end();
      else {
        failing = true;
        res.socket?.resetAndDestroy();
      }
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/v1`,
    seen,
    aborted: async () => {
      await sleep(20);
      return aborted;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
