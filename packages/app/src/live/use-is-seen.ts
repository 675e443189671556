import { useEffect, useState } from 'preact/hooks';

/** Whether an element is on the screen: only pictures that are seen connect. */
export function useIsSeen(element: { current: Element | null }): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => {
      const latest = entries.at(-1);
      if (latest) setSeen(latest.isIntersecting);
    });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return seen;
}
