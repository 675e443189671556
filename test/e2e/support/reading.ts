import type { Page } from 'playwright-core';

/** What everybody who does not see the page, or uses no pointer, would stumble over. Empty where all is well. */
export async function obstacles(page: Page): Promise<string[]> {
  // It stays open: to close it would take the page's authenticator away.
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const nameless = nodes
    .filter(({ ignored, role }) => !ignored && needNames.includes(String(role?.value)))
    .filter(({ name }) => String(name?.value ?? '').trim() === '')
    .map(({ role }) => `a ${role?.value} without a name`);
  const seen = await page.evaluate(() => {
    const found: string[] = [];
    const dialog = document.querySelector('dialog[open]');
    const headings = document.querySelectorAll('h1');
    if (headings.length !== 1) found.push(`${headings.length} main headings`);
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) found.push(`it is ${wide} px too wide`);
    for (const element of (dialog ?? document).querySelectorAll('button, a[href], summary')) {
      const { width, height } = element.getBoundingClientRect();
      const isInText = element.matches('p a');
      const isShown = element.checkVisibility({ visibilityProperty: true });
      // WCAG 2.5.8 asks for 24 × 24; a thumb likes more.
      if (isShown && !isInText && (width < 36 || height < 36)) {
        found.push(`"${element.textContent}" is ${Math.round(width)} × ${Math.round(height)}`);
      }
    }
    return found;
  });
  return [...nameless, ...seen];
}

const needNames = [
  'button',
  'link',
  'textbox',
  'checkbox',
  'switch',
  'radio',
  'combobox',
  'dialog',
  'image',
  'heading',
  'navigation',
];
