/** How a chart shows that an interval is not plainly measured. */

import type { Theme } from '../ui/theme'
import type { SlotState } from './curve'

export interface Hatch { image: HTMLCanvasElement; repeat: 'repeat' }

const HATCH_PX = 6

/** A fill of diagonal lines: readable without telling colours apart. */
export function hatch(color: string): Hatch {
  const image = document.createElement('canvas')
  image.width = HATCH_PX
  image.height = HATCH_PX
  const pen = image.getContext('2d')
  if (pen) {
    pen.strokeStyle = color
    pen.lineWidth = 1
    pen.beginPath()
    for (const x of [-HATCH_PX, 0, HATCH_PX]) {
      pen.moveTo(x, HATCH_PX)
      pen.lineTo(x + HATCH_PX, 0)
    }
    pen.stroke()
  }
  return { image, repeat: 'repeat' }
}

/** Colour of the marks of each state; null draws none. */
export function markColor(state: SlotState, theme: Theme): string | null {
  const colors: Record<SlotState, string | null> = {
    measured: null, interpolated: theme.warn, estimated: theme.warn, partial: theme.warn, open: theme.info, missing: theme.ink3, future: null,
  }
  return colors[state]
}
