/** How every table looks on the terminal: no colour, and no rule between rows. */
export const plainTable = {
  style: { head: [], border: [] },
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
}
