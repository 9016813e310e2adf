/** The places of the estate and which of them is selected. */

import { computed, ref, shallowRef } from 'vue'

import { api, ApiError } from '../api/client'
import type { Place } from '../api/types'
import { locale } from '../i18n'
import { route } from '../route'
import { buildTree, nameOf } from './tree'

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

export async function loadPlaces(): Promise<void> {
  try {
    list.value = await api.places()
    placesError.value = null
    placesLoaded.value = true
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    placesError.value = error
  }
}
