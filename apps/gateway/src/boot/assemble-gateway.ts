import { createHmac } from 'node:crypto';
import { createKeyRing } from '#access/access.module.js';
import { createDispatcher, createUndiciTransport } from '#dispatch/dispatch.module.js';
import { createSystemClock } from '#events/events.module.js';
import type { ReceiptId } from '#events/domain/ids.js';
import type { RouterEvent } from '#events/domain/router-event.js';
import { pass } from '#events/ports/failpoint.js';
import { TOPICS } from '#events/domain/topics.js';
import { createProviderRegistry, startDemoUpstream } from '#providers/providers.module.js';
import { openClickhouseStore } from '#receipts/receipts.module.js';
import { recoverDangling } from '#receipts/usecases/recover-dangling.js';
import { createRouter, loadBuiltinClassifier } from '#routing/routing.module.js';
import { contentSubjectOf, createSingleFlight } from '#semantic-cache/semantic-cache.module.js';
import { createMetrics } from '#telemetry/telemetry.module.js';
import type { Logger } from '#telemetry/ports/logger.js';
import type { CompletionParts } from '../completions/completion-parts.js';
import { ModelPolicies } from '../completions/model-policies.js';
import { AddressLimit } from '../hot-lane/address-limit.js';
import type { AdmissionDesk } from '../hot-lane/admission.js';
import { HotLane } from '../hot-lane/hot-lane.js';
import { UnreadAnswers } from '../hot-lane/unread-answers.js';
import type { GatewayParts } from '../http/gateway-parts.js';
import { pingProbe, Readiness } from '../readiness.js';
import type { IdempotencyDesk } from '../idempotency/idempotency-desk.js';
import { findSealed } from '../receipts/find-sealed.js';
import { RecentReceipts } from '../receipts/recent-receipts.js';
import { RecoveryCursor } from '../recovery-cursor.js';
import { publishControl } from '../publish-control.js';
import { tailTopic } from '../tail-topic.js';
import { SubjectErasures } from '../replay/subject-erasures.js';
import { openTransparency } from '../transparency/open-transparency.js';
import type { BootOrder } from './boot-order.js';
import { replayBesideIngester } from './replay-beside-ingester.js';
import { firstKeyId, firstKeyRecords } from './first-key.js';
import type { ShipperChild } from './shipper-child.js';
import { consumerLags } from './consumer-lags.js';
import { createKeyLimits } from './key-limits.js';
import { expectedPrice } from './expected-price.js';
import { PriceArchive } from './price-archive.js';
import { SpendTail } from './spend-tail.js';
import { createUnpricedCap } from './unpriced-cap.js';
import { startLogRetention } from './log-retention.js';
import { createWarnings } from './gateway-warnings.js';
import { loadPrices } from './load-prices.js';
import { openAdmission } from './open-admission.js';
import { openGatewayCache } from './open-cache.js';
import { openEmbedder } from './open-embedder.js';
import { openIdempotency } from './open-idempotency.js';
import { openGatewayLog } from './open-log.js';

export interface AssembledGateway {
  readonly lane: HotLane;
  readonly unread: UnreadAnswers;
  readonly admission: AdmissionDesk;
  readonly parts: GatewayParts;
  readonly readiness: Readiness;
  readonly recoveredReceipts: number;
  /** Closes everything but the HTTP server, in the order that loses nothing. */
  close(): Promise<void>;
}

const CONTROL_WAIT_MS = 3_000;
const RECOVERY_EVERY_MS = 2_000;

/** Makes one gateway out of settings and directories: the only place that knows all the parts. */
export async function assembleGateway(order: BootOrder, logger: Logger): Promise<AssembledGateway> {
  const { settings } = order;
  const clock = createSystemClock();
  const metrics = createMetrics();
  const log = await openGatewayLog(order, metrics, logger);
  const cursor = new RecoveryCursor(log.localReader, log.localCheckpoints, order.partition);

  const recovered = await recoverDangling(
    log.localReader,
    order.partition,
    await cursor.load(),
    new Date(clock.nowMs()).toISOString(),
  );
  pass('recovery_found');
  if (recovered.length > 0) await log.writer.append(recovered).durable;
  pass('recovery_sealed');

  const prices = loadPrices(settings, clock, logger);

  const models = new ModelPolicies(settings);
  const keys = createKeyRing();
  const unpricedCap = createUnpricedCap(settings.prices.unpriced, prices, clock);
  const limits = await createKeyLimits(
    {
      redisUrl: settings.environment.redisUrl,
      leaseMs: models.totalTimeoutMsMax,
      concurrentMax: settings.reliability.requestsPerKeyMax,
      exemptKeyId: firstKeyId(order.apiKey, clock),
      unpricedPicoUsd: unpricedCap.ofReceipt,
    },
    clock,
  );
  const spend = new SpendTail(log.sharedReader, limits, logger);
  const archive = new PriceArchive(
    log.writer,
    prices,
    () => clock.nowMs(),
    (error) => logger.warn({ err: error }, 'a price record could not be kept in the log'),
  );
  const erasures = new SubjectErasures(logger);
  let idempotency: IdempotencyDesk | null = null;
  const applyControl = (event: RouterEvent): void => {
    keys.apply(event);
    prices.apply(event);
    archive.note(event);
    if (event.type === 'nextmodel.subject.erased.v1') erasures.apply(event.data);
    if (event.type === 'nextmodel.subject.erased.v1') {
      void idempotency?.forget(event.data.tenantId, event.data.subject);
    }
    if (event.type === 'nextmodel.apikey.created.v1' && event.data.budgetUsd !== null) spend.start();
  };
  const onProblem = (error: unknown): void => logger.warn({ err: error }, 'the control topic could not be followed');
  const localControl = await tailTopic(log.localReader, TOPICS.control, applyControl, onProblem, CONTROL_WAIT_MS);
  const sharedControl =
    log.sharedReader === log.localReader
      ? null
      : await tailTopic(log.sharedReader, TOPICS.control, applyControl, onProblem, CONTROL_WAIT_MS);
  await publishControl(log.writer, applyControl, firstKeyRecords(keys, order.apiKey, clock));

  const demo = Object.values(settings.providers).some((provider) => provider.kind === 'demo')
    ? await startDemoUpstream()
    : null;
  const registry = createProviderRegistry(settings.providers, demo?.baseUrl);
  const transport = createUndiciTransport();
  const dispatcher = createDispatcher({
    registry,
    transport,
    clock,
    contextWindow: (plan, target) => models.contextWindow(plan, target),
    slowReaderMs: settings.reliability.slowReaderMs,
    drainMs: settings.reliability.drainMs,
  });
  const router = createRouter({
    settings,
    providerNames: registry.names,
    artifact: settings.routing.auto === null ? null : loadBuiltinClassifier(),
    listedModels: (name) => registry.get(name)?.models ?? [],
    measures: {
      price: (target) => expectedPrice(prices, registry, target, clock.nowMs()),
      latency: (target) => dispatcher.latencyMsP50(target.provider, target.model),
    },
  });
  const recent = new RecentReceipts();
  const { embedder, target: embedding } = await openEmbedder(settings, registry, prices, logger);
  const cache = await openGatewayCache(order, log, logger, embedder);
  erasures.use(cache.cipher);
  const store = order.sql === null ? null : openClickhouseStore(order.sql);

  const desk = await openIdempotency(settings.environment.redisUrl, cache.cipher, logger);
  idempotency = desk;
  const completion: CompletionParts = {
    clock,
    router,
    registry,
    dispatcher,
    prices,
    cache: cache.cache,
    cachePolicy: {
      exact: settings.cache.exact,
      semantic: settings.cache.semantic.enabled,
      maxError: settings.cache.semantic.maxError,
      ttlSeconds: settings.cache.ttlSeconds,
    },
    embedding,
    flights: createSingleFlight(),
    idempotency: desk,
    cipher: cache.cipher,
    models,
    durability: settings.environment.durability,
    unpriced: settings.prices.unpriced,
    unpricedCap: unpricedCap.ofTokens,
    slowReaderMs: settings.reliability.slowReaderMs,
    holdBudget: limits.hold,
    ledger: {
      log: log.writer,
      prices,
      registry,
      clock,
      environment: 'default',
      obstacles: (targets) => dispatcher.obstacles(targets),
      saltKey: (tenantId, user) => cache.cipher.saltKey(contentSubjectOf(cache.cipher, tenantId, user)),
      pseudonym: (tenantId, user) => createHmac('sha256', order.masterKey).update(`${tenantId}\n${user}`).digest('hex'),
      onOpened: (receiptId) => cursor.opened(receiptId),
      onContent: (record) => cache.indexNow(record),
      onSealed: (receipt, text) => {
        cursor.sealed(receipt.receiptId);
        recent.add(receipt.receiptId, text);
        archive.used(receipt);
        metrics.receiptSealed(receipt);
        limits.settled(receipt);
      },
    },
  };
  const { requestsMax, shedLagMs, lagAlarmMs, slowReaderMs, requestsPerAddressMax, trustedProxies } =
    settings.reliability;
  const warnings = createWarnings(logger, clock, lagAlarmMs);
  const unread = new UnreadAnswers({ slowReaderMs, onGivenUp: () => warnings.unreadAnswer.note() });
  const door = openAdmission({ keys, requestsMax, shedLagMs, onLag: (lagMs) => warnings.lag(lagMs) });
  const { admission } = door;
  const lane = new HotLane({
    completion,
    admission,
    limits,
    bodyBytesMax: settings.environment.bodyBytesMax,
    addresses: requestsPerAddressMax === 0 ? null : new AddressLimit(requestsPerAddressMax, trustedProxies),
    unread,
    onBug: (error) => logger.error({ err: error }, 'a request failed inside the gateway'),
  });

  const readiness = new Readiness(() => dispatcher.breakers());
  readiness.addInstant(() => ({
    name: 'log',
    state: log.writer.healthy ? 'ok' : 'down',
    required: true,
    detail: log.writer.healthy ? null : 'the log takes no records; requests are refused',
  }));
  const transparency = await openTransparency(order, log, store, clock, logger);
  if (transparency.probe !== null) readiness.add(transparency.probe);
  if (store !== null) readiness.add(pingProbe('clickhouse', () => store.ping()));
  if (settings.environment.qdrantUrl !== null) readiness.add(pingProbe('qdrant', () => cache.index.ping()));
  if (log.pingShared !== null) readiness.add(pingProbe('kafka', log.pingShared));
  if (log.shipper !== null) readiness.addInstant(() => (log.shipper as ShipperChild).probe());
  if (settings.environment.redisUrl !== null) readiness.add(pingProbe('redis', () => limits.ping()));

  const parts: GatewayParts = {
    clock,
    keys,
    applyControl,
    keysErased: (subject) => erasures.settle(subject),
    router,
    registry,
    prices,
    log: log.writer,
    reader: log.localReader,
    partition: order.partition,
    recent,
    store,
    readiness,
    metricsText: async () =>
      metrics.text({
        inFlight: admission.inside,
        refusedAtDoor: admission.refusals,
        breakers: dispatcher.breakers(),
        warnings: warnings.counts(),
        unreadBytes: unread.bytes,
        openRequests: cursor.openCount,
        transparency: transparency.snapshot(),
        consumerLagRecords: await consumerLags(order, log.localReader, cache),
        ...(log.shipper === null ? {} : { shipperLagRecords: log.shipper.lagRecords }),
      }),
    adminToken: order.adminToken,
    onWrongAdminCredential: () => warnings.wrongAdminCredential.note(),
    replayCache: (onProgress) => cache.rebuild(onProgress),
    transparency: transparency.desk,
    cipher: cache.cipher,
    replayTransparency: transparency.replay,
    replayReceipts: (onProgress) => replayBesideIngester(order, log.sharedReader, onProgress),
    findReceipt: async (tenantId, receiptId) =>
      recent.find(tenantId, receiptId) ??
      (store === null ? null : await store.find(tenantId, receiptId).catch(() => null)) ??
      (await findSealed(log.localReader, tenantId, receiptId as ReceiptId)),
  };
  await cache.follow();
  const stopRetention = startLogRetention({
    directory: order.logDirectory,
    partition: order.partition,
    reader: log.localReader,
    writer: log.writer,
    checkpoints: log.localCheckpoints,
    shipped: log.shipper !== null,
    nowMs: () => clock.nowMs(),
    logger,
  });
  await readiness.start(1_000);
  const recovery = setInterval(() => {
    cursor.advance().catch((error: unknown) => logger.warn({ err: error }, 'the recovery cursor did not advance'));
  }, RECOVERY_EVERY_MS);
  recovery.unref();

  return {
    lane,
    unread,
    admission,
    parts,
    readiness,
    recoveredReceipts: recovered.filter((record) => record.topic === TOPICS.receipts).length,
    close: async () => {
      clearInterval(recovery);
      stopRetention();
      readiness.stop();
      door.close();
      await Promise.allSettled([localControl.stop(), sharedControl?.stop(), spend.stop()]);
      erasures.stop();
      await cache.close();
      await transparency.close();
      await cursor.advance().catch(() => undefined);
      await limits.close();
      await desk.close();
      await transport.close();
      await demo?.close();
      await store?.close();
      await log.close();
    },
  };
}
