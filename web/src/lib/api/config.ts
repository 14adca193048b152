import { useQuery } from "@tanstack/react-query";

type Config = { demo: boolean; version: string };

const none: Config = { demo: false, version: "" };

/** How this shop was started. A server that doesn't say is taken for a real one. */
export function useConfig(): Config {
  const { data } = useQuery({
    queryKey: ["config"],
    queryFn: loadConfig,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data ?? none;
}

async function loadConfig(): Promise<Config> {
  try {
    const answer = await globalThis.fetch("/config.json", { headers: { Accept: "application/json" } });
    const config: unknown = answer.ok ? await answer.json() : {};
    return { ...none, ...(config as Partial<Config>) };
  } catch {
    return none;
  }
}
