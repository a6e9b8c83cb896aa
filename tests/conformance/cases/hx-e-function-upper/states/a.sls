x: {test.NOP: []}
y: {test.no-p: []}
