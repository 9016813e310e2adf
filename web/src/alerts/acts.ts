/** What a person does about an alert; what others do comes by the live socket. */

import { reactive } from 'vue'

import { api, ApiError } from '../api/client'
import type { Alert } from '../api/types'
import { live } from '../live/live'
import { mergeAnswer } from '../live/state'
import { whoActs } from './person'

export type Verb = 'acknowledge' | 'assign' | 'comment' | 'shelve' | 'unshelve' | 'close' | 'approve' | 'reopen'

/** Alerts that somebody here is doing something about right now, and what went wrong with it. */
export const busy = reactive(new Set<string>())
export const failed = reactive(new Map<string, ApiError>())

/** Put what the server says of an alert into the lists. */
export function took(alert: Alert): void {
  mergeAnswer(live, alert)
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
