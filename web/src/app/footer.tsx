import { useConfig } from "@/lib/api/config";

export function Footer() {
  const { version } = useConfig();
  return (
    <footer className="mt-12 border-t border-line bg-sunken/60">
      <div className="page flex flex-wrap items-center justify-between gap-x-8 gap-y-3 py-8 text-sm text-muted">
        <p>
          <span className="font-display font-bold text-ink">Taproom</span> · Please drink responsibly.
        </p>
        <p className="flex gap-5">
          <a href="/api-docs/" className="link">
            API documentation
          </a>
          {version && <span>Version {version}</span>}
        </p>
      </div>
    </footer>
  );
}
