who: pillar
