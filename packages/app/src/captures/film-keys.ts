/** The arrows go from film to film, as one sees them: to the side, and to the row above or below. */
export function moveAmongFilms(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const card = event.target instanceof Element ? event.target.closest<HTMLElement>('.film-card') : null;
  if (!card) return;
  const cards = [...event.currentTarget.querySelectorAll<HTMLElement>('.film-card')];
  const next = nextOf(event.key, cards, cards.indexOf(card));
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

function nextOf(key: string, cards: readonly HTMLElement[], at: number): HTMLElement | undefined {
  switch (key) {
    case 'ArrowLeft':
      return cards[at - 1];
    case 'ArrowRight':
      return cards[at + 1];
    case 'ArrowUp':
      return nearest(cards.slice(0, at).reverse(), cards[at]);
    case 'ArrowDown':
      return nearest(cards.slice(at + 1), cards[at]);
    case 'Home':
      return cards[0];
    case 'End':
      return cards.at(-1);
    default:
      return undefined;
  }
}

/** Of the next row, the one that is most below or above. @param others the nearest row first. */
function nearest(others: readonly HTMLElement[], card: HTMLElement | undefined): HTMLElement | undefined {
  if (!card) return undefined;
  const { left, top } = card.getBoundingClientRect();
  const row = others.find((other) => Math.abs(other.getBoundingClientRect().top - top) > 4);
  if (!row) return undefined;
  const rowTop = row.getBoundingClientRect().top;
  const isInRow = (other: HTMLElement) => Math.abs(other.getBoundingClientRect().top - rowTop) <= 4;
  const away = (other: HTMLElement) => Math.abs(other.getBoundingClientRect().left - left);
  return others
    .slice(others.indexOf(row), others.indexOf(row) + 24)
    .filter(isInRow)
    .reduce((best, other) => (away(other) < away(best) ? other : best), row);
}
