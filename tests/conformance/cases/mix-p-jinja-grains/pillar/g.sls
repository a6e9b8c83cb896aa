g: {{ salt is defined }}
