/** How often to look whether the estate has changed: soon while it does, rarely when it rests. */

const SHORTEST_MS = 10_000
const LONGEST_MS = 600_000

/** Wait before the next look; changed: the last look found something new. */
export function nextLookMs(lastMs: number, changed: boolean): number {
  return changed ? SHORTEST_MS : Math.min(LONGEST_MS, Math.max(SHORTEST_MS, lastMs * 2))
}
