/** Vehicle icons drawn on a canvas: shape and colour both say the status. */

import type { VehicleStatus } from '../api/types'
import type { Theme } from '../ui/theme'

const SIZE_PX = 26
export const ICON_PIXEL_RATIO = 2

type Draw = (pen: CanvasRenderingContext2D) => void

/** An arrow to the north, to be rotated by the course. */
const arrow: Draw = (pen) => {
  pen.moveTo(13, 2.5)
  pen.lineTo(21.5, 22.5)
  pen.lineTo(13, 18)
  pen.lineTo(4.5, 22.5)
  pen.closePath()
}
const square: Draw = (pen) => { pen.roundRect(6.5, 6.5, 13, 13, 3) }
const disc: Draw = (pen) => { pen.arc(13, 13, 6, 0, 2 * Math.PI) }

const SHAPES: Record<VehicleStatus, Draw> = { moving: arrow, idle: arrow, parked: square, offline: disc, unknown: disc }

export function vehicleIcon(status: VehicleStatus, theme: Theme): ImageData | null {
  const canvas = document.createElement('canvas')
  canvas.width = SIZE_PX * ICON_PIXEL_RATIO
  canvas.height = SIZE_PX * ICON_PIXEL_RATIO
  const pen = canvas.getContext('2d')
  if (!pen) return null
  const colors: Record<VehicleStatus, string> = {
    moving: theme.moving, idle: theme.idle, parked: theme.parked, offline: theme.offline, unknown: theme.offline,
  }
  pen.scale(ICON_PIXEL_RATIO, ICON_PIXEL_RATIO)
  pen.lineJoin = 'round'
  pen.beginPath()
  SHAPES[status](pen)
  pen.lineWidth = 3.5
  pen.strokeStyle = theme.halo
  pen.stroke()
  pen.fillStyle = colors[status]
  pen.fill()
  return pen.getImageData(0, 0, canvas.width, canvas.height)
}
