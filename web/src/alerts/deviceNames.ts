/** Names of the devices that alerts speak of, asked for once each. */

import { shallowReactive } from 'vue'

import { api } from '../api/client'
import type { Device } from '../api/types'
import { locale } from '../i18n'
import { nameOf } from '../places/tree'

/** More than the lists ever show; a page that runs for months must not collect more. */
const KEPT = 300

/** null: asked, and not known. */
const known = shallowReactive(new Map<string, Device | null>())

async function ask(id: string): Promise<void> {
  known.set(id, null)
  const oldest = known.keys().next().value
  if (known.size > KEPT && oldest !== undefined) known.delete(oldest)
  try {
    known.set(id, await api.device(id))
  } catch {
    // Its id then stands for it.
  }
}

/** The device's name, or its id until that is known. */
export function deviceName(id: string): string {
  const device = known.get(id)
  if (device === undefined) queueMicrotask(() => { if (!known.has(id)) void ask(id) })
  return device ? nameOf(device, locale.value) : id
}
