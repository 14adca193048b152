import { useCallback, useRef } from "react";

/**
 * Ids for requests that must take effect once. The same content gets the same id until `done` is called, so that sending it
 * again after an unknown outcome repeats nothing; other content gets another id.
 */
export function useRequestId(): { idFor: (content: unknown) => string; done: () => void } {
  const last = useRef<{ content: string; id: string } | undefined>(undefined);
  const idFor = useCallback((content: unknown) => {
    const text = JSON.stringify(content, (_key, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    if (last.current?.content !== text) last.current = { content: text, id: crypto.randomUUID() };
    return last.current.id;
  }, []);
  const done = useCallback(() => {
    last.current = undefined;
  }, []);
  return { idFor, done };
}
