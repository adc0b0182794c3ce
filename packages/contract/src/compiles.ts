import ts from 'typescript'

/**
 * What TypeScript has to say of a program, as its users compile it.
 *
 * @param paths where modules are to be taken from, as in a tsconfig.json
 */
export function complaintsOf(file: string, paths: Readonly<Record<string, string>>): string[] {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    customConditions: ['plimsoll-source'],
    allowImportingTsExtensions: true,
    paths: Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, [path]])),
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  })
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
    return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}
