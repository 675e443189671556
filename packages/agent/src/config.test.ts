import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsFromEnvironment } from './config.ts';

const settings = (env: Record<string, string>) => settingsFromEnvironment(env);

test("vw's variables are read in both spellings and both prefixes", () => {
  for (const prefix of ['VW_', 'RELAYHOST_']) {
    for (const level of ['LOG_LEVEL', 'LOGLEVEL']) {
      const read = settings({
        [`${prefix}PORT`]: '8889',
        [`${prefix}${level}`]: 'TRACE',
        [`${prefix}API`]: 'ws://x',
      });
      assert.deepEqual([read.port, read.logLevel, read.vwApi], [8889, 'debug', 'ws://x']);
    }
  }
  assert.equal(settings({ VW_PORT: '1', RELAYHOST_PORT: '2' }).port, 1);
  assert.equal(settings({ VW_HTTPWAITMS: '100' }).httpWaitMs, 100);
});

test('variables without an effect are taken', () => {
  const env = {
    VW_MUXBUFFERLENGTH: '10',
    VW_CLIENTBUFFERLENGTH: '5',
    VW_CLIENTTIMEOUTMS: '1000',
    VW_HTTPFLUSHMS: '5',
    VW_HTTPTIMEOUTMS: '1000',
    VW_CPUPROFILE: '',
  };
  assert.deepEqual(settings(env), { outgoing: { proxy: {} } });
});

test("Perch's own win, lists are split, proxies are found in either case", () => {
  assert.deepEqual(
    settings({
      PERCH_DATA: '/d',
      PERCH_LISTEN: '0.0.0.0:1',
      PERCH_PUBLIC_HOST: 'robot.lan',
      PERCH_ALLOW_ORIGIN: 'https://a, https://b',
      PERCH_TRUST: '10.0.0.0/8',
      PERCH_LOG_LEVEL: 'warn',
      VW_LOG_LEVEL: 'panic',
      PERCH_EXTRA_CA: '/ca.pem',
      https_proxy: 'http://p:1',
      NO_PROXY: 'a,b',
    }),
    {
      data: '/d',
      listen: '0.0.0.0:1',
      publicHost: 'robot.lan',
      allowOrigin: ['https://a', 'https://b'],
      trust: ['10.0.0.0/8'],
      logLevel: 'warn',
      outgoing: { proxy: { secure: 'http://p:1', except: 'a,b' }, caFile: '/ca.pem' },
    },
  );
});

for (const [env, words] of [
  [{ VW_PROT: '1' }, /^VW_PROT is not a setting/],
  [{ RELAYHOST_X: '' }, /^RELAYHOST_X is not/],
  [{ PERCH_LOGLEVEL: 'warn' }, /^PERCH_LOGLEVEL is not a setting of Perch; did you mean PERCH_LOG_LEVEL\?/],
  [{ VW_PORT: 'x' }, /^VW_PORT must be a whole number from 0 to 65535, not "x"/],
  [{ VW_PORT: '65536' }, /^VW_PORT/],
  [{ VW_HTTPFLUSHMS: '-1' }, /^VW_HTTPFLUSHMS/],
  [{ VW_LOGLEVEL: 'loud' }, /^VW_LOGLEVEL must be one of trace/],
] as const) {
  test(`${JSON.stringify(env)} is an error that names the variable`, () => {
    assert.throws(
      () => settings(env),
      (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'bad-setting');
        assert.match(error.message, words);
        return true;
      },
    );
  });
}

test('variables of other parts are left alone', () => {
  settingsFromEnvironment({ PERCH_RELAY: 'x', HOME: '/', VWX: '1' }, ['PERCH_RELAY']);
});
