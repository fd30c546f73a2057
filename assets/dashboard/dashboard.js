import { checkEvidence } from './modules/apps/gateway/src/dashboard/verify/check-evidence.js';
import { overWebCrypto } from './modules/apps/gateway/src/dashboard/verify/web-crypto.js';
import { checkConsistency } from './modules/libs/transparency/src/domain/check-consistency.js';
import { element, foreign } from './elements.js';
import { guessRole, ROLES, toEvidence } from './evidence-files.js';
import { showOverview, summarise } from './overview.js';
import { showReceipt, showResult } from './show-result.js';

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const $ = (id) => document.getElementById(id);

/** @type {{name: string, role: string, bytes: Uint8Array}[]} */
let files = [];
let run = 0;

async function addFiles(list) {
  for (const file of list) {
    if (file.size > FILE_BYTES_MAX) continue;
    const bytes = new Uint8Array(await file.arrayBuffer());
    files = files.filter(({ name }) => name !== file.name);
    files.push({ name: file.name, role: guessRole(bytes, file.name), bytes });
  }
  showFiles();
  await check();
}

function showFiles() {
  $('given').replaceChildren(
    ...files.map((file, n) => {
      const select = element('select', { id: `role-${n}` });
      for (const [role, name] of Object.entries(ROLES)) {
        const option = element('option', { value: role }, name);
        option.selected = role === file.role;
        select.append(option);
      }
      select.addEventListener('change', () => {
        file.role = select.value;
        void check();
      });
      const remove = element('button', { type: 'button', class: 'quiet' }, 'remove');
      remove.addEventListener('click', () => {
        files = files.filter((each) => each !== file);
        showFiles();
        void check();
      });
      const label = element('label', { for: `role-${n}`, class: 'file' }, foreign(file.name));
      return element('li', '', label, select, remove);
    }),
  );
}

/** Checks what is given so far; a later call makes an earlier one silent. */
async function check() {
  run += 1;
  const own = run;
  const { evidence, kept, missing } = toEvidence(files, $('key').value);
  if (evidence === undefined) {
    const nothing = files.length === 0 && $('key').value.trim() === '';
    $('result').replaceChildren(...(nothing ? [] : [element('p', 'lead', foreign(missing))]));
    $('receipt').replaceChildren();
    return;
  }
  try {
    const { subtle } = globalThis.crypto;
    const result = await overWebCrypto((crypto) => checkEvidence(evidence, null, crypto), subtle);
    const history =
      kept === null || result.checkpoint === null
        ? []
        : await overWebCrypto(
            (crypto) => checkConsistency(result.checkpoint, kept, evidence.keys, null, crypto),
            subtle,
          );
    if (own !== run) return;
    $('result').replaceChildren(showResult({ ...result, findings: [...result.findings, ...history] }));
    $('receipt').replaceChildren(...(result.receipt === null ? [] : [showReceipt(result.receipt)]));
  } catch (error) {
    if (own !== run) return;
    $('receipt').replaceChildren();
    $('result').replaceChildren(element('p', 'problem', `The check itself failed: ${error.message}`));
  }
}

/** @throws Error with the gateway's own words */
async function ask(path, key) {
  const answer = await fetch(new URL(`../${path}`, document.baseURI), {
    headers: { authorization: `Bearer ${key}` },
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
  });
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  throw new Error(body?.error?.message ?? `The gateway answered ${answer.status}.`);
}

async function fetchEvidence(id, key) {
  const answer = await ask(`v1/receipts/${encodeURIComponent(id)}/evidence`, key);
  files = [{ name: `${id}.evidence.json`, role: 'evidence', bytes: new Uint8Array(await answer.arrayBuffer()) }];
  showFiles();
  await check();
}

/** Runs on submit; what goes wrong is said beside the form. */
function onSubmit(form, problem, work) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    $(problem).textContent = '';
    work().catch((error) => {
      $(problem).textContent = error.message;
    });
  });
}

function start() {
  const drop = $('drop');
  for (const name of ['dragover', 'drop']) document.addEventListener(name, (event) => event.preventDefault());
  document.addEventListener('dragover', () => drop.classList.add('over'));
  document.addEventListener('dragleave', () => drop.classList.remove('over'));
  document.addEventListener('drop', (event) => {
    drop.classList.remove('over');
    void addFiles([...(event.dataTransfer?.files ?? [])]);
  });
  $('files').addEventListener('change', (event) => {
    void addFiles([...event.target.files]).then(() => {
      event.target.value = '';
    });
  });
  $('key').addEventListener('input', () => void check());
  onSubmit('fetch', 'fetch-problem', () => fetchEvidence($('fetch-id').value.trim(), $('fetch-key').value.trim()));
  onSubmit('overview', 'overview-problem', async () => {
    const key = $('overview-key').value.trim();
    const { data } = await (await ask('v1/receipts?limit=100', key)).json();
    const onCheck = (id) => {
      $('check').scrollIntoView();
      fetchEvidence(id, key).catch((error) => {
        $('result').replaceChildren(element('p', 'problem', error.message));
      });
    };
    const today = new Date().toISOString().slice(0, 10);
    $('overview-result').replaceChildren(showOverview(summarise(data, today), onCheck));
  });
  if (globalThis.crypto?.subtle === undefined) {
    $('unsupported').hidden = false;
    $('unsupported').textContent =
      'Browsers give their signature check to pages over HTTPS or from this machine only. Open the page at localhost or over HTTPS, or use nextmodel verify.';
  }
}

start();
