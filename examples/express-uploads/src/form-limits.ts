/** Fields are collected in memory, and without limits a form may have any number of them, of 1 MiB each. */
export const FORM_LIMITS = { files: 1, fields: 10, fieldSize: 4 * 1024 }
