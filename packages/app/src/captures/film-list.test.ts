import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capture } from './capture.ts';
import { type FilmList, noFilms, withFilm, withHead, withoutFilm, withTail } from './film-list.ts';

const film = (at: number, over: Partial<Capture> = {}): Capture => ({
  id: `f${at}`,
  at,
  device: 'kitchen',
  cause: 'motion',
  ended: at,
  isComplete: true,
  parts: 1,
  lost: 0,
  bytes: 1,
  seconds: 5,
  alarms: 0,
  isKept: false,
  ...over,
});
const ids = ({ films }: FilmList) => films.map(({ id }) => id);

test('pages follow each other, each film once, and the last one is short', () => {
  const first = withHead(noFilms, [film(9), film(8)], 2);
  assert.equal(first.isAtEnd, false);
  const all = withTail(first, [film(8), film(7)], 2);
  assert.deepEqual(ids(all), ['f9', 'f8', 'f7']);
  assert.equal(withTail(all, [], 2).isAtEnd, true);
});

test('a first page that comes again brings what is new, takes what was deleted, and leaves what is older', () => {
  const known = withTail(withHead(noFilms, [film(9), film(8), film(7)], 3), [film(6)], 3);
  const again = withHead(known, [film(10), film(8), film(7)], 3);
  assert.deepEqual(ids(again), ['f10', 'f8', 'f7', 'f6']);
  assert.equal(again.isAtEnd, true);
  assert.equal(again.films[1], known.films[1], 'what did not change is not drawn again');
});

test('a first page that is all new leaves no gap behind it', () => {
  const known = withTail(withHead(noFilms, [film(3), film(2)], 2), [film(1)], 2);
  const again = withHead(known, [film(9), film(8)], 2);
  assert.deepEqual(ids(again), ['f9', 'f8']);
  assert.equal(again.isAtEnd, false);
});

test('a short first page is all there is', () => {
  const known = withHead(noFilms, [film(9), film(8)], 2);
  assert.deepEqual(ids(withHead(known, [film(8)], 2)), ['f8']);
  assert.deepEqual(withHead(known, [], 2), { films: [], isAtEnd: true });
});

test('a film that begins takes its place by time, and changes in place', () => {
  const list: FilmList = { films: [film(9), film(7)], isAtEnd: true };
  assert.deepEqual(ids(withFilm(list, film(10))), ['f10', 'f9', 'f7']);
  assert.deepEqual(ids(withFilm(list, film(8))), ['f9', 'f8', 'f7']);
  assert.deepEqual(ids(withFilm(list, film(1))), ['f9', 'f7', 'f1']);
  assert.equal(withFilm(list, film(7, { alarms: 1 })).films[1]?.alarms, 1);
  assert.deepEqual(ids(withFilm(noFilms, film(1))), ['f1']);
});

test('one that is older than the pages that are here waits for its page', () => {
  const list: FilmList = { films: [film(9), film(7)], isAtEnd: false };
  assert.equal(withFilm(list, film(3)), list);
});

test('a film that was deleted is gone', () => {
  const list: FilmList = { films: [film(9), film(7)], isAtEnd: true };
  assert.deepEqual(ids(withoutFilm(list, 'f9')), ['f7']);
  assert.equal(withoutFilm(list, 'other'), list);
});
