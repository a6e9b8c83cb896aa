a: {l: [1, 2], d: {e: {f: g}}, t: true, n: null, z: 0}
