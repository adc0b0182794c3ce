/** The line of least squares. @returns NaN where all points stand above each other */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): {
  slope: number
  intercept: number
} {
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)))
  const variance = mean(points.map(([x]) => (x - meanX) ** 2))
  const slope = covariance / variance
  return { slope, intercept: meanY - slope * meanX }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
