/** One clock for the page: the server's, ticking once a second. */

import { computed, ref } from 'vue'

/** A difference below this is network delay and rounding, not a wrong clock. */
const SKEW_TOLERANCE_MS = 2_000

const browserMs = ref(Date.now())
const skewMs = ref(0)

/** The server's time now, epoch milliseconds; changes once a second. */
export const nowMs = computed(() => browserMs.value + skewMs.value)

/** Minutes since the epoch; for what need not be looked at every second. */
export const minute = computed(() => Math.floor(nowMs.value / 60_000))

/** Learn from a message that says when it was sent how wrong this browser's clock is. */
export function setServerTime(sentMs: number, receivedMs: number): void {
  const difference = sentMs - receivedMs
  skewMs.value = Math.abs(difference) > SKEW_TOLERANCE_MS ? difference : 0
}

export function startClock(): () => void {
  const timer = setInterval(() => { browserMs.value = Date.now() }, 1_000)
  return () => { clearInterval(timer) }
}
