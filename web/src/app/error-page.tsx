import type { ErrorComponentProps } from "@tanstack/react-router";
import { Button } from "@/components/button";
import { usePageTitle } from "@/components/page";

/** What stands in place of a page that broke. */
export function ErrorPage({ reset }: ErrorComponentProps) {
  usePageTitle("Something broke");
  return (
    <div role="alert" className="page flex flex-col items-center gap-5 py-24 text-center">
      <h1 className="text-3xl font-bold">A glass broke here</h1>
      <p className="max-w-md text-lg text-muted">
        This page failed to show. Your cart and your orders are safe on our side.
      </p>
      <div className="flex flex-wrap justify-center gap-3">
        <Button onPress={reset}>Try again</Button>
        <Button variant="secondary" onPress={() => window.location.reload()}>
          Reload the page
        </Button>
      </div>
    </div>
  );
}
