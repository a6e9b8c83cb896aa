val: {{ n }}
