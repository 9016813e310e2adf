/** What a person does about an alert, and what others did meanwhile. */

import { reactive } from 'vue'

import { api, ApiError } from '../api/client'
import type { Alert } from '../api/types'
import { live, onAlert } from '../live/live'
import { mergeHandling, RESOLVED_KEPT } from '../live/state'
import { throttle } from '../time/throttle'
import { whoActs } from './person'

export type Verb = 'acknowledge' | 'assign' | 'comment' | 'shelve' | 'unshelve' | 'close' | 'approve' | 'reopen'

/** Others' acts come with no message: this is how long they may stay unseen. */
const LOOK_MS = 15_000
/** An alert that has just fired brings no handling; a storm of them is asked for once. */
const SOON_MS = 1_000
/** In a storm of more only the newest are looked at; the detail view asks for its own. */
const LOOKED_AT = 200

/** Alerts that somebody here is doing something about right now, and what went wrong with it. */
export const busy = reactive(new Set<string>())
export const failed = reactive(new Map<string, ApiError>())

/** Counts acts; an answer that was asked for before one must not undo it. */
let acts = 0

/** Put what the server says of an alert's handling into the lists. */
export function took(alert: Alert): void {
  mergeHandling(live, [alert])
}

/** Do it in the person's name; the alert as it then stands, or null if it was refused or nobody said who. */
export async function act(id: string, verb: Verb, body: object = {}): Promise<Alert | null> {
  if (busy.has(id)) return null
  const by = await whoActs()
  if (by === null) return null
  busy.add(id)
  failed.delete(id)
  try {
    const alert = await api.act(id, verb, { by, ...body })
    acts += 1
    took(alert)
    return alert
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    failed.set(id, error)
    return null
  } finally {
    busy.delete(id)
  }
}

async function look(): Promise<void> {
  const before = acts
  try {
    const pages = await Promise.all([api.alerts('open', LOOKED_AT), api.alerts('resolved', RESOLVED_KEPT)])
    if (before === acts) mergeHandling(live, pages.flatMap((page) => page.items))
  } catch {
    // What is shown stays; the next look may find more.
  }
}

/** Keep the handling in the lists as others leave it, while somebody looks at the page. */
export function startHandling(): () => void {
  const soon = throttle(() => { void look() }, SOON_MS)
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible' && live.open.size + live.resolved.length > 0) soon.ask()
  }, LOOK_MS)
  const back = (): void => { if (document.visibilityState === 'visible') soon.ask() }
  document.addEventListener('visibilitychange', back)
  const unsubscribe = onAlert((id) => { if (id !== null) soon.ask() })
  return () => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', back)
    unsubscribe()
    soon.stop()
  }
}
