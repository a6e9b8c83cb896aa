c: {test: [nop, {require: [{sls: d}]}]}
