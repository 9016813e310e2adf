/** The page's one live connection, its merged state, and news for whoever listens. */

import { computed, ref } from 'vue'

import { api } from '../api/client'
import type { Alert, LiveMessage } from '../api/types'
import { nowMs, setServerTime } from '../time/clock'
import { LiveSocket, type Phase } from './socket'
import { addResolved, emptyState, merge, RESOLVED_KEPT } from './state'
import { liveStatus } from './status'

type Unsubscribe = () => void

const phase = ref<Phase>('stopped')
const lastMessageMs = ref<number | null>(null)
const retryAtMs = ref(0)

/** Live figures by id; reading a key tracks that key only. */
export const live = emptyState()
export const status = computed(() => liveStatus(phase.value, lastMessageMs.value, nowMs.value))
/** True while live figures must not look live. */
export const stale = computed(() => status.value !== 'live')
/** Seconds since anything was heard; null before the first message. */
export const silenceS = computed(() =>
  lastMessageMs.value === null ? null : Math.max(0, (nowMs.value - lastMessageMs.value) / 1000))
/** Seconds until the next attempt, 0 unless waiting for it. */
export const retryInS = computed(() =>
  phase.value === 'waiting' ? Math.max(0, Math.ceil((retryAtMs.value - nowMs.value) / 1000)) : 0)

const firedListeners = new Set<(alert: Alert) => void>()
const alertListeners = new Set<(id: string | null) => void>()
const ledgerListeners = new Set<(places: string[] | 'all') => void>()

/** Call with each alert that starts to fire while the page is open. */
export function onFired(listener: (alert: Alert) => void): Unsubscribe {
  firedListeners.add(listener)
  return () => firedListeners.delete(listener)
}

/** Call with the id of each alert whose state changed; null: any may have, after a connection was (re)made. */
export function onAlert(listener: (id: string | null) => void): Unsubscribe {
  alertListeners.add(listener)
  return () => alertListeners.delete(listener)
}

/** Call with the places whose consumption changed. */
export function onLedger(listener: (places: string[] | 'all') => void): Unsubscribe {
  ledgerListeners.add(listener)
  return () => ledgerListeners.delete(listener)
}

async function loadResolved(): Promise<void> {
  try {
    addResolved(live, (await api.alerts('resolved', RESOLVED_KEPT)).items)
  } catch {
    // The list is then what was seen to resolve; the next hello asks again.
  }
}

function receive(message: unknown): void {
  const known = message as LiveMessage
  if (known.type === 'hello') {
    setServerTime(Date.parse(known.at), Date.now())
    void loadResolved()
  }
  const first = lastMessageMs.value === null
  lastMessageMs.value = nowMs.value
  const news = merge(live, known, first)
  for (const alert of news.fired) for (const listener of firedListeners) listener(alert)
  if (known.type === 'hello' || known.type === 'alert') {
    for (const listener of alertListeners) listener(known.type === 'hello' ? null : known.alert.id)
  }
  if (news.ledger === 'all' || news.ledger.length > 0) {
    for (const listener of ledgerListeners) listener(news.ledger)
  }
}

function address(): string {
  const { protocol, host } = window.location
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/api/v1/live`
}

const socket = new LiveSocket(() => new WebSocket(address()), {
  message: receive,
  phase: (next, retryMs) => {
    phase.value = next
    retryAtMs.value = nowMs.value + retryMs
  },
})

/** Try now instead of when the next attempt is due. */
export function reconnect(): void {
  socket.wake()
}

export function startLive(): Unsubscribe {
  const wake = (): void => {
    if (document.visibilityState === 'visible') socket.wake()
  }
  window.addEventListener('online', wake)
  document.addEventListener('visibilitychange', wake)
  socket.start()
  return () => {
    window.removeEventListener('online', wake)
    document.removeEventListener('visibilitychange', wake)
    socket.stop()
  }
}
