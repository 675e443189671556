import { useEffect, useState } from 'preact/hooks';

const SHOWN_MS = 5_000;
const news = new EventTarget();

/** Says briefly, at the foot of the page and to screen readers, that something was done. */
export function say(text: string): void {
  news.dispatchEvent(new CustomEvent<string>('news', { detail: text }));
}

/** Where {@link say} speaks. Once on a page, always there: a region that comes with its words is not read out. */
export function Toasts() {
  const [text, setText] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (event: Event) => {
      clearTimeout(timer);
      setText((event as CustomEvent<string>).detail);
      timer = setTimeout(() => setText(''), SHOWN_MS);
    };
    news.addEventListener('news', show);
    return () => {
      news.removeEventListener('news', show);
      clearTimeout(timer);
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {text && <span class="toast">{text}</span>}
    </div>
  );
}
