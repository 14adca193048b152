import { Code, ConnectError } from "@connectrpc/connect";
import { QueryClient } from "@tanstack/react-query";

const passing = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Aborted, Code.ResourceExhausted]);

/** Whether the same read may succeed a moment later. */
export function isPassing(error: unknown): boolean {
  return error instanceof ConnectError && passing.has(error.code);
}

/** Reads are retried when their code says that it may help; writes never are: their forms keep the request's id instead. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (failures, error) => failures < 3 && isPassing(error),
        retryDelay: (attempt) => Math.min(400 * 2 ** attempt, 5_000),
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}
