/** The places of the estate and which of them is selected. */

import { computed, ref, shallowRef, watch } from 'vue'

import { api, ApiError } from '../api/client'
import type { Place } from '../api/types'
import { throttle } from '../time/throttle'
import { locale } from '../i18n'
import { live } from '../live/live'
import { route } from '../route'
import { nextLookMs } from './refresh'
import { buildTree, nameOf } from './tree'

const HURRY_MS = 5_000

const list = shallowRef<Place[]>([])

export const placesError = shallowRef<ApiError | null>(null)
export const placesLoaded = ref(false)
export const tree = computed(() => buildTree(list.value, locale.value))
/** The place in the address, else the first root; undefined if there is none. */
export const selected = computed<Place | undefined>(() => {
  const id = route.place ?? tree.value.children.get(null)?.[0]
  return id === undefined ? undefined : tree.value.byId.get(id)
})

export function placeName(id: string): string {
  return nameOf(tree.value.byId.get(id), locale.value) || id
}

/** Text of the list, to notice a change without walking it. */
let known = ''
let waitMs = 0
let timer: ReturnType<typeof setTimeout> | undefined

/** Ask for the places now; the next look follows by itself. */
export async function loadPlaces(): Promise<void> {
  clearTimeout(timer)
  let changed = false
  try {
    const places = await api.places()
    const text = JSON.stringify(places)
    changed = text !== known
    if (changed) list.value = places
    known = text
    placesError.value = null
    placesLoaded.value = true
  } catch (error) {
    placesError.value = error instanceof ApiError ? error : new ApiError({ title: String(error), status: 0 })
  }
  waitMs = nextLookMs(waitMs, changed)
  clearTimeout(timer)
  timer = setTimeout(() => { void loadPlaces() }, waitMs)
}

/** Look soon: something was heard of a place that this list does not know, or not as metered. */
const hurry = throttle(() => { void loadPlaces() }, HURRY_MS)

export function startPlaces(): () => void {
  void loadPlaces()
  const stopWatching = watch(() => [...live.power.values()].some(
    ({ place, meters }) => meters > 0 && !tree.value.byId.get(place)?.energies.length), (unknown) => {
    if (unknown && placesLoaded.value) hurry.ask()
  })
  return () => {
    stopWatching()
    hurry.stop()
    clearTimeout(timer)
  }
}
