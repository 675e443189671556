import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CliError } from '../errors.ts';
import { exampleFile } from './example.ts';
import { decodeFile, type LoadOptions, loadConfig } from './load.ts';
import { type SettingKey, settings } from './settings.ts';
import { parseAddress, parseDuration, parseSize } from './units.ts';

const docs = join(import.meta.dirname, '../../../../docs/reference');

function load(options: Partial<LoadOptions> = {}) {
  return loadConfig({
    program: 'tool',
    flags: { data: { flag: '--data', value: '/nowhere' } },
    env: {},
    ...options,
  });
}

function misuse(words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CliError, String(error));
    assert.equal(error.exitCode, 2);
    assert.match(error.message, words);
    return true;
  };
}

function fileIn(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'perch-config-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'perch.yaml');
  writeFileSync(file, text);
  return file;
}

test('flags win over the environment, that over the file, that over the defaults', (t) => {
  const file = fileIn(
    t,
    'log_level: error\nrelay:\n  listen: 127.0.0.1:1\n  open: [a]\nagent:\n  http_wait: 2s\n',
  );
  const { config } = load({
    file,
    program: 'relay',
    env: { PERCH_LISTEN: '127.0.0.1:2', PERCH_OPEN: 'b, c' },
    flags: { 'relay.listen': { flag: '--listen', value: '127.0.0.1:3' } },
  });
  assert.equal(config.log_level, 'error');
  assert.deepEqual(config['relay.listen'], { host: '127.0.0.1', port: 3 });
  assert.deepEqual(config['relay.open'], ['b', 'c']);
  assert.equal(config['agent.http_wait'], 2_000);
  assert.deepEqual(config['agent.listen'], { host: '127.0.0.1', port: 8888 });
  assert.ok(Object.isFrozen(config));
});

test('the file in the data directory is read by itself', (t) => {
  const file = fileIn(t, 'relay: {open: [lab/*]}\n');
  const { config } = load({ flags: { data: { flag: '--data', value: join(file, '..') } } });
  assert.deepEqual(config['relay.open'], ['lab/*']);
});

test('an unknown key is an error that names it', (t) => {
  assert.throws(
    () => load({ file: fileIn(t, 'relay:\n  lisen: x\n') }),
    misuse(/relay\.lisen is not a setting/),
  );
  assert.throws(() => load({ file: fileIn(t, 'colour: red\n') }), misuse(/colour is not a setting/));
  assert.throws(() => load({ env: { PERCH_LISEN: 'x' } }), misuse(/PERCH_LISEN/));
  assert.throws(
    () => load({ file: fileIn(t, 'agent: {sources: [{feed: a, comand: [x]}]}\n') }),
    misuse(/agent\.sources has an unknown key "comand"/),
  );
});

test('a wrong value is an error that names where it stands and what it must be', (t) => {
  assert.throws(
    () => load({ file: fileIn(t, 'agent: {http_wait: 5}\n') }),
    misuse(/agent\.http_wait must be text/),
  );
  assert.throws(
    () => load({ file: fileIn(t, 'agent: {http_wait: soon}\n') }),
    misuse(/agent\.http_wait must be a time such as 250ms/),
  );
  assert.throws(
    () => load({ flags: { 'relay.listen': { flag: '--listen', value: '8080' } } }),
    misuse(/--listen must be HOST:PORT.*not "8080"/),
  );
  assert.throws(
    () => load({ env: { PERCH_RELAY_LISTEN: 'x' } }),
    misuse(/PERCH_RELAY_LISTEN must be HOST:PORT/),
  );
  assert.throws(
    () => load({ env: { PERCH_TLS_CERT: 'a.pem' } }),
    misuse(/tls_cert and tls_key belong together/),
  );
  assert.throws(() => load({ file: fileIn(t, 'a: [') }), misuse(/is not YAML/));
  assert.throws(() => load({ file: fileIn(t, '- a\n') }), misuse(/must have keys/));
  assert.throws(() => load({ file: '/nowhere/perch.yaml' }), misuse(/\/nowhere\/perch\.yaml is not there/));
});

test('with two ports one PERCH_LISTEN is not enough', () => {
  const env = { PERCH_LISTEN: '127.0.0.1:1' };
  assert.throws(() => load({ program: 'up', env }), misuse(/PERCH_RELAY_LISTEN and PERCH_AGENT_LISTEN/));
  assert.equal(load({ program: 'agent', env }).config['agent.listen'].port, 1);
});

test("older programs' variables keep their meaning, or are said to have none", () => {
  assert.equal(load({ program: 'agent', env: { VW_PORT: '9999' } }).config['agent.listen'].port, 9999);
  const { config, warnings } = load({
    program: 'relay',
    env: { CROSSBAR_LISTEN: '127.0.0.1:7', CROSSBAR_DEVELOPMENT: 'x', RELAY_PORT_RELAY: '3001' },
  });
  assert.equal(config['relay.listen'].port, 7);
  assert.deepEqual(warnings, [
    'CROSSBAR_DEVELOPMENT has no effect here',
    'RELAY_PORT_RELAY has no effect: one port serves both; let the proxy send the address in RELAY_URL to it',
  ]);
});

const long = 'a secret of more than 32 characters, so none warns';

test("the older relays' secrets are read from the environment or the file, and nothing repeats them", (t) => {
  const env = {
    CROSSBAR_SECRET: long,
    CROSSBAR_AUDIENCE: 'https://relay.example',
    RELAY_SECRET: long,
    RELAY_AUDIENCE: 'https://app.example/access',
    RELAY_URL: 'wss://app.example/relay/',
    RELAY_ALLOW_NO_BOOKING_ID: 'true',
    RELAY_STATS_EVERY: '2s',
    RELAY_PORT_ACCESS: '3000',
  };
  const { config, warnings } = load({ program: 'relay', env });
  assert.deepEqual(
    [config['relay.crossbar_secret'], config['relay.crossbar_audience'], config['relay.practable_secret']],
    [long, 'https://relay.example', long],
  );
  assert.equal(config['relay.practable_url'], 'wss://app.example/relay');
  assert.equal(config['relay.practable_allow_no_booking_id'], true);
  assert.equal(config['relay.practable_stats_every'], 2_000);
  assert.deepEqual(config['relay.listen'], { host: '127.0.0.1', port: 3000 });
  assert.deepEqual(warnings, []);

  const short = fileIn(t, 'relay: {crossbar_secret: hush}\n');
  const weak = load({ file: short });
  assert.equal(weak.config['relay.crossbar_secret'], 'hush');
  assert.match(weak.warnings.join(), /relay\.crossbar_secret has fewer than 32 characters/);
  assert.ok(!weak.warnings.join().includes('hush'));
  assert.throws(
    () => load({ file: fileIn(t, 'relay: {crossbar_secret: 123456}\n') }),
    (error: Error) => /crossbar_secret must be text/.test(error.message) && !error.message.includes('123456'),
  );
});

test("practable relay's levels are read as ours, and what it never had is refused", () => {
  const level = (RELAY_LOG_LEVEL: string, more = {}) =>
    load({ program: 'relay', env: { RELAY_LOG_LEVEL, ...more } }).config.log_level;
  assert.deepEqual(
    ['panic', 'fatal', 'error', 'warn', 'WARNING', 'info', 'debug', 'trace'].map((name) => level(name)),
    ['error', 'error', 'error', 'warn', 'warn', 'info', 'debug', 'debug'],
  );
  assert.equal(level('trace', { PERCH_LOG_LEVEL: 'error' }), 'error', 'ours wins');
  assert.throws(() => level('loud'), misuse(/^RELAY_LOG_LEVEL must be one of panic, .*not "loud"/));
  assert.equal(load({ program: 'agent', env: { RELAY_LOG_LEVEL: 'loud' } }).config.log_level, 'info');
});

test('pages that may embed are named by their origins', (t) => {
  const env = { PERCH_EMBED_ORIGIN: 'https://lab.example https://b.example:8443' };
  assert.deepEqual(load({ program: 'relay', env }).config['relay.embed_origin'], [
    'https://lab.example',
    'https://b.example:8443',
  ]);
  for (const wrong of [
    'lab.example',
    'https://lab.example/',
    '"*"',
    'null',
    'ftp://lab.example',
    "'https://a;b'",
  ]) {
    const file = fileIn(t, `relay: {embed_origin: [${wrong}]}\n`);
    assert.throws(() => load({ file }), misuse(/embed_origin must be/), wrong);
  }
});

test('proxies to be trusted are networks or addresses', (t) => {
  const env = { PERCH_TRUST_PROXY: '10.0.0.0/8, ::1' };
  assert.deepEqual(load({ program: 'relay', env }).config['relay.trust_proxy'], ['10.0.0.0/8', '::1']);
  const wrong = fileIn(t, 'relay: {trust_proxy: [10.0.0.0/40]}\n');
  assert.throws(
    () => load({ file: wrong }),
    misuse(/trust_proxy must be networks such as .*10\.0\.0\.0\/40/),
  );
});

test('names for ACME must be names that lead here, and there is one way to a certificate', (t) => {
  const acme = (PERCH_ACME: string) => load({ program: 'relay', env: { PERCH_ACME } }).config['relay.acme'];
  assert.deepEqual(acme('relay.example, www.relay.example'), ['relay.example', 'www.relay.example']);
  for (const wrong of ['localhost', '192.168.1.20', '*.example.org', 'https://relay.example']) {
    assert.throws(() => acme(wrong), misuse(/PERCH_ACME must be names such as relay\.example\.org/), wrong);
  }
  const both = fileIn(t, 'relay: {acme: [a.example], tls_cert: a.pem, tls_key: a.key}\n');
  assert.throws(() => load({ file: both }), misuse(/two ways to a certificate/));
  const door = (PERCH_ACME_LISTEN: string) =>
    load({ env: { PERCH_ACME_LISTEN } }).config['relay.acme_listen'];
  assert.deepEqual([door('none'), door('[::]:80')], ['none', { host: '::', port: 80 }]);
  assert.throws(() => door('80'), misuse(/PERCH_ACME_LISTEN must be HOST:PORT/));
  const plain = fileIn(t, 'relay: {acme_directory: "http://acme.example/dir"}\n');
  assert.throws(() => load({ file: plain }), misuse(/acme_directory must be an address such as https/));
});

test('the public name is a name or an address, with a port or without', () => {
  const of = (PERCH_PUBLIC: string) => load({ env: { PERCH_PUBLIC } }).config['relay.public'];
  assert.deepEqual(of('camera.example'), { host: 'camera.example' });
  assert.deepEqual(of('camera.example:8443'), { host: 'camera.example', port: 8443 });
  assert.deepEqual(of('fd00::7'), { host: 'fd00::7' });
  assert.deepEqual(of('[fd00::7]:443'), { host: 'fd00::7', port: 443 });
  for (const wrong of ['https://camera.example', 'a b', 'camera.example:port']) {
    assert.throws(() => of(wrong), misuse(/PERCH_PUBLIC must be a name or an address/), wrong);
  }
});

test('a family of which a part is missing is said to be incomplete', () => {
  const env = { RELAY_SECRET: long };
  assert.throws(() => load({ program: 'relay', env }), misuse(/You must set RELAY_AUDIENCE/));
  const more = { ...env, RELAY_AUDIENCE: 'a' };
  assert.throws(() => load({ program: 'relay', env: more }), misuse(/You must set RELAY_URL/));
  for (const RELAY_URL of ['https://x', 'wss://x/?a', 'x', 'wss://u:p@x']) {
    assert.throws(
      () => load({ program: 'relay', env: { ...more, RELAY_URL } }),
      misuse(/RELAY_URL must be an address such as wss:/),
    );
  }
  const useless = load({ program: 'relay', env: { CROSSBAR_AUDIENCE: 'a' } });
  assert.match(
    useless.warnings.join(),
    /relay\.crossbar_audience has no effect without relay\.crossbar_secret/,
  );
});

test('times, sizes and addresses parse themselves', () => {
  assert.deepEqual(
    ['250ms', '10s', '1.5m', '1h', '30d'].map(parseDuration),
    [250, 10_000, 90_000, 3_600_000, 2_592_000_000],
  );
  assert.deepEqual(
    ['500', '64k', '50M', '1G', '4Mi'].map(parseSize),
    [500, 64_000, 50_000_000, 1_000_000_000, 4_194_304],
  );
  assert.deepEqual(parseAddress('[::1]:80'), { host: '::1', port: 80 });
  assert.deepEqual(parseAddress('localhost:0'), { host: 'localhost', port: 0 });
  for (const wrong of ['10', '-1s', '1 year', ''])
    assert.throws(() => parseDuration(wrong), /must be a time/);
  for (const wrong of ['M', '-5', '1T']) assert.throws(() => parseSize(wrong), /must be a size/);
  for (const wrong of ['80', 'a:', 'a:70000', '::1:80', ':80'])
    assert.throws(() => parseAddress(wrong), /HOST:PORT/);
});

test('the example file shows every setting, and is understood when its lines are used', () => {
  const example = readFileSync(join(docs, 'perch.yaml'), 'utf8');
  assert.equal(example, exampleFile(), 'docs/reference/perch.yaml is what the code says');
  assert.deepEqual(decodeFile(example, 'perch.yaml'), {});
  const used = example.replace(/^( *)# (\w+: .*)$/gm, (line, indent, setting) =>
    Object.keys(settings).some((key) => setting.startsWith(`${key.split('.').at(-1)}:`))
      ? indent + setting
      : line,
  );
  assert.deepEqual(Object.keys(decodeFile(used, 'perch.yaml')).sort(), Object.keys(settings).sort());
});

test('the reference page has every setting', () => {
  const page = readFileSync(join(docs, 'config.md'), 'utf8');
  for (const key of Object.keys(settings) as SettingKey[]) assert.ok(page.includes(`\`${key}\``), key);
});

test('a directory that holds no perch.yaml says nothing', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'perch-config-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'data'));
  assert.equal(load({ flags: { data: { flag: '--data', value: directory } } }).config.data, directory);
});
