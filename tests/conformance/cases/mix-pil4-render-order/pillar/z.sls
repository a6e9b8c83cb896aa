o: z
z: {{ pillar.get("o", "none") }}
