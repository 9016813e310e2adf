/** Colours of the tokens for what is drawn and not styled: charts and map. */

import { readonly, shallowRef, type ShallowRef } from 'vue'

const NAMES = {
  font: '--font', ink: '--ink', ink2: '--ink-2', ink3: '--ink-3', line: '--line', surface: '--surface',
  raised: '--raised', accent: '--accent', accentSoft: '--accent-soft', warn: '--warn-fill', critical: '--critical',
  day: '--chart-day', before: '--chart-before', grid: '--chart-grid', land: '--map-land', road: '--map-road',
  roadEdge: '--map-road-edge', halo: '--map-halo', moving: '--vehicle-moving', idle: '--vehicle-idle',
  parked: '--vehicle-parked', offline: '--vehicle-offline', info: '--info',
} as const

export type Theme = Record<keyof typeof NAMES, string>

function read(): Theme {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(
    Object.entries(NAMES).map(([key, name]) => [key, style.getPropertyValue(name).trim()]),
  ) as Theme
}

const current = shallowRef<Theme | null>(null)

/** The tokens' present values; they change when the person's preference for dark does. */
export function useTheme(): Readonly<ShallowRef<Theme>> {
  if (!current.value) {
    current.value = read()
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { current.value = read() })
  }
  return readonly(current) as Readonly<ShallowRef<Theme>>
}
