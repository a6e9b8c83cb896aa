{{ pillar.nope }}
