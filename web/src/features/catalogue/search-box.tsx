import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button, Input, SearchField } from "react-aria-components";

/** Searches while one types, after a moment of rest, and at once on Enter. */
export function SearchBox({ query, onSearch }: { query: string; onSearch: (query: string) => void }) {
  const [text, setText] = useState(query);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sent = useRef(query);

  // The address changed by other means, such as the back button or "clear all".
  useEffect(() => {
    if (query !== sent.current) {
      sent.current = query;
      setText(query);
    }
  }, [query]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const send = (value: string) => {
    clearTimeout(timer.current);
    sent.current = value.trim();
    onSearch(value.trim());
  };
  const type = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => send(value), 300);
  };

  return (
    <search className="block max-w-xl">
      <SearchField
        aria-label="Search beers"
        value={text}
        onChange={type}
        onSubmit={send}
        onClear={() => send("")}
        maxLength={200}
        className="group flex h-14 items-center gap-3 rounded-full border border-edge bg-surface pr-2 pl-5 shadow-card focus-within:border-copper focus-within:ring-2 focus-within:ring-copper"
      >
        <Search aria-hidden className="size-5 shrink-0 text-muted" />
        <Input
          placeholder="Hazy, smoked, a brewery…"
          className="h-full min-w-0 flex-1 bg-transparent text-lg outline-none placeholder:text-muted [&::-webkit-search-cancel-button]:hidden"
        />
        <Button
          aria-label="Clear search"
          className="flex size-10 cursor-pointer items-center justify-center rounded-full hover:bg-sunken group-empty:invisible"
        >
          <X aria-hidden className="size-5" />
        </Button>
      </SearchField>
    </search>
  );
}
