/** How much the live figures can be trusted right now. */

import type { Phase } from './socket'

/** Silence after which figures are shown as not live. */
export const QUIET_MS = 20_000

export type LiveStatus = 'connecting' | 'live' | 'quiet' | 'lost'

/** lastMessageMs: when anything was last heard, null if never; both times of the same clock. */
export function liveStatus(phase: Phase, lastMessageMs: number | null, atMs: number): LiveStatus {
  if (phase !== 'open') return lastMessageMs === null && phase === 'connecting' ? 'connecting' : 'lost'
  if (lastMessageMs === null) return 'connecting'
  return atMs - lastMessageMs >= QUIET_MS ? 'quiet' : 'live'
}
