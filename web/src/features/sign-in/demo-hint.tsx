import { Note } from "@/components/states";
import { useConfig } from "@/lib/api/config";

/** A shop that runs as a demonstration says so. */
export function DemoHint() {
  const { demo } = useConfig();
  if (!demo) return null;
  return (
    <div className="mt-6 text-sm">
      <Note tone="info">This is a demonstration: no real money moves and no real beer arrives.</Note>
    </div>
  );
}
