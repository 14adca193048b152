import { ButtonLink } from "./button";
import { usePageTitle } from "./page";

/** What stands where there is nothing. */
export function NotFound() {
  usePageTitle("Not found");
  return (
    <div className="page flex flex-col items-center gap-5 py-24 text-center">
      <p aria-hidden className="font-display text-8xl font-extrabold text-copper">
        404
      </p>
      <h1 className="text-3xl font-bold">This tap is dry</h1>
      <p className="max-w-md text-lg text-muted">
        There is no such page. It may have moved, or the address has a typo.
      </p>
      <ButtonLink to="/">See our beers</ButtonLink>
    </div>
  );
}
