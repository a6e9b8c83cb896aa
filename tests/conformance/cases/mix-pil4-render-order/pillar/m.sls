o: m
n: {{ salt["grains.get"]("id") }}
