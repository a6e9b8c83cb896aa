y: {{ sls }}
