include: [common]
db: {test: [nop, {onchanges: [{test: web}]}]}
