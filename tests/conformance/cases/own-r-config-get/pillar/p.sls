p: {y: 2}
both: pillar
master: {m: 3}
